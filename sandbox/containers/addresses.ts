import { createServer, type Server } from "node:net";
import { createHash } from "node:crypto";
import { DockerError } from "./docker-error.ts";

/** Held open on the network's first address while an engine uses the network, so that two engines on one machine take different ones. */
const gatewayPort = 2375;

/**
 * The container addresses of one engine: 127.77.N.2 to 127.77.N.254. All of 127.0.0.0/8 is the machine's own on Linux; macOS needs an alias for each
 * address on lo0.
 */
export class AddressPool {
  /** 127.77.N */
  readonly prefix: string;
  readonly #gateway: Server;
  readonly #taken = new Set<number>();
  #last = 1;

  private constructor(prefix: string, gateway: Server) {
    this.prefix = prefix;
    this.#gateway = gateway;
  }

  /** Takes `preferred` (the network that the engine had before), or a free one, first the one that `seed` hashes to. */
  static async open(preferred: string | null, seed: string): Promise<AddressPool> {
    const first = createHash("sha256").update(seed).digest().readUInt8(0);
    const candidates = Array.from({ length: 254 }, (_, index) => `127.77.${1 + ((first + index) % 254)}`);
    for (const prefix of preferred === null ? candidates : [preferred, ...candidates]) {
      const gateway = await listen(`${prefix}.1`);
      if (gateway !== null) return new AddressPool(prefix, gateway);
    }
    throw new Error(
      process.platform === "darwin"
        ? "No address of 127.77.0.0/16 is free. Make some: for n in $(seq 1 254); do sudo ifconfig lo0 alias 127.77.1.$n; done"
        : "All of 127.77.0.0/16 is in use by other container engines. Stop one of them.",
    );
  }

  /** The next free address; one that was given back is not taken again until the others had their turn. */
  take(): string {
    for (let step = 1; step <= 253; step += 1) {
      const candidate = 2 + ((this.#last - 2 + step) % 253);
      if (!this.#taken.has(candidate)) {
        this.#last = candidate;
        this.#taken.add(candidate);
        return `${this.prefix}.${candidate}`;
      }
    }
    throw new DockerError(500, "no available IPv4 addresses on this network's address pools");
  }

  /** Marks the address of a container that runs already. */
  claim(address: string): void {
    this.#taken.add(lastByte(address));
    this.#last = Math.max(this.#last, lastByte(address));
  }

  give(address: string): void {
    this.#taken.delete(lastByte(address));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#gateway.close(() => resolve()));
  }
}

function lastByte(address: string): number {
  return Number(address.split(".").at(-1));
}

async function listen(host: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      // The second on macOS, where nobody has made the address.
      if ("code" in error && (error.code === "EADDRINUSE" || error.code === "EADDRNOTAVAIL")) resolve(null);
      else reject(error);
    });
    server.listen(gatewayPort, host, () => {
      server.unref();
      resolve(server);
    });
  });
}
