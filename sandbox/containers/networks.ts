import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DockerError, notFound } from "./docker-error.ts";
import { readJson, writeJson } from "./json-file.ts";
import type { NetworkRecord } from "./record.ts";

const predefined = ["bridge", "host", "none"];

/** The networks of one engine, kept in `networks.json`. They separate names, not packets: every container reaches every address. */
export class Networks {
  readonly #file: string;
  #networks: readonly NetworkRecord[] = [];

  private constructor(file: string) {
    this.#file = file;
  }

  static async open(dir: string): Promise<Networks> {
    const networks = new Networks(join(dir, "networks.json"));
    const known = await readJson<NetworkRecord[]>(networks.#file);
    networks.#networks = known ?? predefined.map((name) => record(name, name === "none" ? "null" : name, {}));
    if (known === null) await writeJson(networks.#file, networks.#networks);
    return networks;
  }

  all(): readonly NetworkRecord[] {
    return this.#networks;
  }

  /** By name, id, or the id's first digits. */
  get(name: string): NetworkRecord {
    const found =
      this.#networks.find((network) => network.name === name || network.id === name) ??
      this.#networks.find(({ id }) => name.length >= 3 && id.startsWith(name));
    if (found === undefined) throw new DockerError(404, `network ${name} not found`);
    return found;
  }

  async create(request: {
    Name?: string;
    Driver?: string;
    Internal?: boolean;
    Attachable?: boolean;
    Labels?: Record<string, string>;
  }): Promise<NetworkRecord> {
    const {
      Name: name = "",
      Driver: driver = "bridge",
      Internal: internal,
      Attachable: attachable,
      Labels: labels,
    } = request;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new DockerError(400, `invalid network name: ${name}`);
    if (driver !== "bridge") throw notFound("network", `driver ${driver}`);
    if (this.#networks.some((network) => network.name === name)) {
      throw new DockerError(409, `network with name ${name} already exists`);
    }
    const network = {
      ...record(name, driver, labels ?? {}),
      internal: internal ?? false,
      attachable: attachable ?? false,
    };
    await this.#write([...this.#networks, network]);
    return network;
  }

  /** `inUse` says whether a container is attached. */
  async remove(name: string, inUse: (network: NetworkRecord) => boolean): Promise<NetworkRecord> {
    const network = this.get(name);
    if (predefined.includes(network.name)) {
      throw new DockerError(403, `${network.name} is a pre-defined network and cannot be removed`);
    }
    if (inUse(network))
      throw new DockerError(403, `error while removing network: network ${network.name} has active endpoints`);
    await this.#write(this.#networks.filter(({ id }) => id !== network.id));
    return network;
  }

  async #write(networks: readonly NetworkRecord[]): Promise<void> {
    this.#networks = networks;
    await writeJson(this.#file, networks);
  }
}

function record(name: string, driver: string, labels: Record<string, string>): NetworkRecord {
  const id = randomBytes(32).toString("hex");
  return { id, name, created: new Date().toISOString(), driver, internal: false, attachable: false, labels };
}
