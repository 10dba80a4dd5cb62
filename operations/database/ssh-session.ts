import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import ssh2, { type ClientChannel } from "ssh2";
import { z } from "zod";
import { OperationError, type FailureKind } from "../error.ts";
import { parseJson } from "../json.ts";
import { sshServer, type SshTarget } from "./ssh-target.ts";

/** A database as it is named behind the ssh server. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

const readyWithinMs = 20_000;
const answerWithinMs = 15_000;
/** A server that is gone is noticed after this many unanswered questions. */
const keepAlive = { everyMs: 5000, times: 3 };

/** An open connection to an ssh server whose host key is one of the pinned. Ends itself when the server no longer answers. */
export class SshSession {
  readonly #target: SshTarget;
  readonly #client: ssh2.Client;
  readonly #addresses = new Map<string, string>();
  /** Resolves when the connection is over, with why. */
  readonly closed: Promise<OperationError>;
  #open = true;

  private constructor(target: SshTarget, client: ssh2.Client) {
    this.#target = target;
    this.#client = client;
    this.closed = new Promise((resolve) => {
      let reason: Error | undefined;
      client.on("error", (error) => (reason = error));
      client.once("close", () => {
        this.#open = false;
        const how =
          reason === undefined ? "the ssh server closed the connection" : `the ssh connection broke: ${reason.message}`;
        resolve(failure(target, "unreachable", how));
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Connects. Errors: unreachable (network, name, no answer); refused (another host key, a key that the server does not take). */
  static async connect(target: SshTarget): Promise<SshSession> {
    const client = new ssh2.Client();
    const session = new SshSession(target, client);
    let seen: string | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      client.once("ready", resolve);
      client.once("error", (error) => reject(connectFailure(target, error, seen)));
      // The server may hang up without a word.
      client.once("close", () => reject(failure(target, "unreachable", "the ssh server closed the connection")));
    });
    client.connect({
      host: target.host,
      port: target.port,
      username: target.user,
      privateKey: target.privateKey,
      authHandler: ["publickey"],
      readyTimeout: readyWithinMs,
      keepaliveInterval: keepAlive.everyMs,
      keepaliveCountMax: keepAlive.times,
      hostVerifier: (key: Buffer) => {
        seen = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
        return target.hostKeys.includes(seen);
      },
    });
    try {
      await ready;
      // Without it every question to the database waits for the acknowledgement of the one before: 40 ms each.
      client.setNoDelay(true);
      return session;
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  /** Opens a channel to the database. Errors: unreachable, refused (no such container, the server forbids it). */
  async forward(destination: Destination): Promise<ClientChannel> {
    const known = this.#addresses.get(destination.host);
    try {
      return await this.#forward(destination, known ?? (await this.#addressOf(destination.host)));
    } catch (error) {
      if (known === undefined || !this.isOpen) throw error;
      // A container that was started anew has another address.
      this.#addresses.delete(destination.host);
      return this.#forward(destination, await this.#addressOf(destination.host));
    }
  }

  end(): void {
    this.#client.end();
  }

  async #addressOf(host: string): Promise<string> {
    if (this.#target.container === null) return host;
    const address = await this.#containerAddress(host);
    this.#addresses.set(host, address);
    return address;
  }

  #forward({ host, port }: Destination, address: string): Promise<ClientChannel> {
    return answered(this.#target, `opening a channel to ${host}:${port}`, (resolve, reject) =>
      this.#client.forwardOut("127.0.0.1", 0, address, port, (error, channel) => {
        if (error === undefined) return resolve(channel);
        // RFC 4254, 5.1: 1 is SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, 2 is SSH_OPEN_CONNECT_FAILED.
        const forbidden = "reason" in error && error.reason === 1;
        reject(
          forbidden
            ? failure(
                this.#target,
                "refused",
                `forwarding to ${host}:${port} is forbidden there`,
                "Allow it in the server's sshd_config (AllowTcpForwarding, PermitOpen) or the key's authorized_keys options.",
              )
            : failure(this.#target, "unreachable", `${host}:${port} cannot be reached from there: ${error.message}`),
        );
      }),
    );
  }

  /** Asks the server's Docker. The container's name is checked: the command goes through the user's shell there. */
  async #containerAddress(name: string): Promise<string> {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name))
      throw failure(this.#target, "refused", `${name} is no name of a container`, "Correct the database URL's host.");
    const channel = await answered<ClientChannel>(this.#target, "starting docker inspect", (resolve, reject) =>
      this.#client.exec(
        `docker inspect --type container --format '{{json .NetworkSettings.Networks}}' ${name}`,
        (error, stream) =>
          error === undefined
            ? resolve(stream)
            : reject(failure(this.#target, "refused", `it runs no commands: ${error.message}`)),
      ),
    );
    const [output, errors] = await answered<[string, string]>(this.#target, "docker inspect", (resolve, reject) => {
      Promise.all([text(channel), text(channel.stderr)]).then(resolve, reject);
    }).catch((error: unknown) => {
      channel.destroy();
      throw error;
    });
    const networks = Networks.safeParse(parseJson(output.trim()));
    const address = networks.success
      ? Object.values(networks.data)
          .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
          .find((one) => one !== undefined && one !== "")
      : undefined;
    if (address !== undefined) return address;
    throw failure(
      this.#target,
      "refused",
      `docker knows no address of container ${name}${errors.trim() === "" ? "" : `: ${errors.trim().split("\n")[0] ?? ""}`}`,
      "Check that the database runs, that the URL's host is its container's name, and that the user may ask Docker.",
    );
  }
}

// https://docs.docker.com/reference/cli/docker/inspect/: one entry a network that the container is in.
const Networks = z.record(
  z.string(),
  z.object({ IPAddress: z.string().optional(), GlobalIPv6Address: z.string().optional() }),
);

/** Waits for an answer of the server, for a limited time. */
function answered<T>(
  target: SshTarget,
  what: string,
  ask: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(
      () => reject(failure(target, "unreachable", `${what} had no answer within ${answerWithinMs / 1000} s`)),
      answerWithinMs,
    );
    const settle =
      <V>(then: (value: V) => void) =>
      (value: V) => {
        clearTimeout(limit);
        then(value);
      };
    try {
      ask(settle(resolve), settle(reject));
    } catch (error) {
      // ssh2 throws at once when the connection is already over.
      settle(reject)(failure(target, "unreachable", `${what} failed: ${String(error)}`));
    }
  });
}

function connectFailure(
  target: SshTarget,
  error: Error & { level?: string },
  seen: string | undefined,
): OperationError {
  if (seen !== undefined && !target.hostKeys.includes(seen)) {
    return failure(
      target,
      "refused",
      `its host key is ${seen}, and pinned ${target.hostKeys.length === 1 ? "is" : "are"} ${target.hostKeys.join(", ")}`,
      "Somebody may be in between. Only if the server was set up anew: compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its console, then change the pin.",
    );
  }
  if (error.level === "client-authentication") {
    return failure(
      target,
      "refused",
      "it does not take the private key",
      `Put its public half into the authorized_keys of ${target.user} there.`,
    );
  }
  return failure(target, "unreachable", error.message);
}

function failure(
  target: SshTarget,
  kind: FailureKind,
  what: string,
  next = "Check the ssh server and the network, then run again: it goes on from where this run stood.",
): OperationError {
  return new OperationError(kind, { where: `ssh ${sshServer(target)}`, what: `${what.replace(/\.$/, "")}.`, next });
}
