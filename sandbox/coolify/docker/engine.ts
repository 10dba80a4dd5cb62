import Docker from "dockerode";
import type { RegistryAuth } from "./registry-logins.ts";

/** A container as the status rules need it. */
export interface ContainerState {
  id: string;
  name: string;
  /** Docker's: created, running, restarting, exited, paused, dead. */
  state: string;
  /** Docker's: starting, healthy, unhealthy; null without a health check. */
  health: string | null;
  restartCount: number;
  labels: Record<string, string>;
}

/** An image as `docker images` lists it. */
export interface ListedImage {
  repository: string;
  tag: string;
  createdAt: string;
}

/** The engine, and what a real server's has of itself. */
export interface EngineOptions {
  host: string;
  port: number;
  /** Goes on every container, volume and network: what tells the sandbox's things from others' on a shared engine. */
  labels?: Record<string, string>;
  /** Names that mean the machine itself in every container, as public DNS would make them mean the server. */
  gatewayNames?: string[];
}

/**
 * The Docker Engine API that deployments run against: the sandbox's process runtime or a real Docker engine. Every call ends when the
 * signal is aborted. Errors are dockerode's, with `statusCode`.
 */
export class Engine {
  readonly #docker: Docker;
  readonly #labels: Record<string, string> | undefined;
  readonly #gatewayNames: string[];
  readonly #signal: AbortSignal;

  constructor({ host, port, labels, gatewayNames = [] }: EngineOptions, signal: AbortSignal) {
    this.#docker = new Docker({ protocol: "http", host, port });
    this.#labels = labels;
    this.#gatewayNames = gatewayNames;
    this.#signal = signal;
  }

  /** Makes the network when it is missing, as Coolify's installer does; another resource may make it at the same moment. */
  async ensureNetwork(name: string): Promise<void> {
    const networks = await this.#docker.listNetworks({ abortSignal: this.#signal });
    if (networks.some((network) => network.Name === name)) return;
    await this.#docker.createNetwork({ Name: name, Attachable: true, abortSignal: this.#signal }).catch(tolerate(409));
  }

  /** Pulls by tag or digest. Throws with the engine's sentence when the registry refuses or does not have it. */
  async pull(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal = this.#signal): Promise<void> {
    const options = { abortSignal: signal, ...(auth === undefined ? {} : { authconfig: auth }) };
    const stream = await this.#docker.pull(reference, options);
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(stream, (error: Error | null, output: { error?: string }[]) => {
        const failure = error ?? output.find((entry) => entry.error !== undefined)?.error;
        if (failure === undefined || failure === null) resolve();
        else reject(failure instanceof Error ? failure : new Error(failure));
      });
    });
  }

  /** Tagged images on the engine. */
  async images(): Promise<ListedImage[]> {
    const images = await this.#docker.listImages({ abortSignal: this.#signal });
    return images.flatMap((image) =>
      (image.RepoTags ?? []).map((name) => {
        const colon = name.lastIndexOf(":");
        return {
          repository: name.slice(0, colon),
          tag: name.slice(colon + 1),
          createdAt: new Date(image.Created * 1000).toISOString(),
        };
      }),
    );
  }

  async create(options: Docker.ContainerCreateOptions): Promise<void> {
    const { Labels, HostConfig } = options;
    await this.#markVolumes(HostConfig?.Binds ?? []);
    await this.#docker.createContainer({
      ...options,
      ...(this.#labels === undefined ? {} : { Labels: { ...Labels, ...this.#labels } }),
      ...(this.#gatewayNames.length === 0
        ? {}
        : { HostConfig: { ...HostConfig, ExtraHosts: await this.#extraHosts(HostConfig?.NetworkMode ?? "") } }),
      abortSignal: this.#signal,
    });
  }

  /** A volume that only a mount makes has no labels. One that is there stays as it is. */
  async #markVolumes(binds: string[]): Promise<void> {
    if (this.#labels === undefined) return;
    for (const [name = ""] of binds.map((bind) => bind.split(":"))) {
      if (!name.startsWith("/")) await this.#docker.createVolume({ Name: name, Labels: this.#labels });
    }
  }

  async #extraHosts(network: string): Promise<string[]> {
    const inspected: Docker.NetworkInspectInfo = await this.#docker.getNetwork(network).inspect();
    const gateway = inspected.IPAM?.Config?.[0]?.Gateway ?? "";
    return this.#gatewayNames.map((name) => `${name}:${gateway}`);
  }

  async start(name: string): Promise<void> {
    await this.#docker.getContainer(name).start({ abortSignal: this.#signal });
  }

  /** SIGTERM, then SIGKILL after `seconds`. A container that is gone or stopped is fine. */
  async stop(name: string, seconds: number): Promise<void> {
    await this.#docker.getContainer(name).stop({ t: seconds, abortSignal: this.#signal }).catch(tolerate(304, 404));
  }

  /** `docker rm -f`. A container that is gone is fine. */
  async remove(name: string): Promise<void> {
    await this.#docker.getContainer(name).remove({ force: true, abortSignal: this.#signal }).catch(tolerate(404));
  }

  /** Undefined when there is no such container. */
  async inspect(name: string): Promise<Docker.ContainerInspectInfo | undefined> {
    return this.#docker
      .getContainer(name)
      .inspect({ abortSignal: this.#signal })
      .catch((error: unknown) => {
        tolerate(404)(error);
        return undefined;
      });
  }

  /** All containers with a label, running or not, oldest last as docker lists them. */
  async withLabel(label: string, value: string): Promise<ContainerState[]> {
    const listed = await this.#docker.listContainers({
      all: true,
      filters: JSON.stringify({ label: [`${label}=${value}`] }),
      abortSignal: this.#signal,
    });
    const states = await Promise.all(
      listed.map(async ({ Id }): Promise<ContainerState | undefined> => {
        const info = await this.inspect(Id);
        if (info === undefined) return undefined;
        return {
          id: Id,
          name: info.Name.replace(/^\//, ""),
          state: info.State.Status,
          health: info.State.Health?.Status ?? null,
          restartCount: info.RestartCount,
          labels: info.Config.Labels,
        };
      }),
    );
    return states.filter((state) => state !== undefined);
  }

  /** The last lines of both streams, as `docker logs` prints them. */
  async logs(name: string, lines: number, timestamps: boolean): Promise<string> {
    const raw: unknown = await this.#docker.getContainer(name).logs({
      stdout: true,
      stderr: true,
      tail: lines,
      timestamps,
      follow: false,
      abortSignal: this.#signal,
    });
    return Buffer.isBuffer(raw) ? unframe(raw) : String(raw);
  }

  /** Runs a command inside a running container to its end. */
  async exec(name: string, argv: string[]): Promise<{ exitCode: number; output: string }> {
    const exec = await this.#docker.getContainer(name).exec({
      Cmd: argv,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: this.#signal,
    });
    const stream = await exec.start({ abortSignal: this.#signal });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
    const info = await exec.inspect({ abortSignal: this.#signal });
    return { exitCode: info.ExitCode ?? 0, output: unframe(Buffer.concat(chunks)) };
  }

  /** Removes a volume. One that is gone is fine. */
  async removeVolume(name: string): Promise<void> {
    await this.#docker.getVolume(name).remove({ abortSignal: this.#signal }).catch(tolerate(404));
  }
}

function engineStatus(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

function tolerate(...statuses: number[]): (error: unknown) => void {
  return (error) => {
    const status = engineStatus(error);
    if (status === undefined || !statuses.includes(status)) throw error;
  };
}

/** Takes docker's eight-byte stream headers out; output of a terminal has none. */
function unframe(raw: Buffer): string {
  const parts: Buffer[] = [];
  let offset = 0;
  while (offset + 8 <= raw.length) {
    const kind = raw[offset] ?? 0;
    if (kind > 2 || raw.readUIntBE(offset + 1, 3) !== 0) return raw.toString("utf8");
    const size = raw.readUInt32BE(offset + 4);
    parts.push(raw.subarray(offset + 8, offset + 8 + size));
    offset += 8 + size;
  }
  return offset === 0 ? raw.toString("utf8") : Buffer.concat(parts).toString("utf8");
}
