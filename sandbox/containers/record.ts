import type { ProcessIdentity } from "../processes/process-table.ts";

/** A container's health check as the API takes it. Durations are nanoseconds; 0 or absent means Docker's default. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly Retries?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
}

/** The part of an image's or container's configuration that the runtime acts on; the rest is kept and shown as it came. */
export interface Config {
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Healthcheck?: Healthcheck | null;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly Hostname?: string;
  readonly Tty?: boolean;
}

export interface RestartPolicy {
  readonly Name?: "" | "no" | "always" | "unless-stopped" | "on-failure";
  readonly MaximumRetryCount?: number;
}

export interface HostConfig {
  readonly NetworkMode?: string;
  readonly RestartPolicy?: RestartPolicy;
  /** `volume:/path/in/container`. Only the database images have volumes here. */
  readonly Binds?: readonly string[] | null;
  readonly PortBindings?: Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>> | null;
  /** `name:address`, where the address may be `host-gateway`. */
  readonly ExtraHosts?: readonly string[] | null;
  readonly Init?: boolean | null;
  readonly AutoRemove?: boolean;
}

export interface Endpoint {
  readonly networkId: string;
  readonly endpointId: string;
  readonly aliases: readonly string[];
}

/** What has become of a container. Times are ISO 8601. */
export interface State {
  status: "created" | "running" | "restarting" | "exited";
  /** The container's own first process; what it was when the container was last seen running. */
  process: ProcessIdentity | null;
  /** Its parent, which holds the exit code; leader of the container's process group. */
  supervisor: ProcessIdentity | null;
  /** On the loopback network while it runs, as Docker gives addresses out on start and takes them back on exit. */
  address: string | null;
  exitCode: number;
  error: string;
  startedAt: string | null;
  finishedAt: string | null;
  restartCount: number;
  /** Stopped or killed by request: `unless-stopped` then leaves it alone. */
  stoppedByRequest: boolean;
}

/** A container as it is kept on disk. */
export interface ContainerRecord {
  /** 64 hex digits. */
  readonly id: string;
  name: string;
  readonly created: string;
  /** As the caller named it. */
  readonly image: string;
  /** `sha256:<64 hex digits>`, the digest of the image's configuration. */
  readonly imageId: string;
  /** The image's configuration with the container's own on top. */
  readonly config: Config;
  readonly hostConfig: HostConfig;
  /** By network name. */
  readonly endpoints: Record<string, Endpoint>;
  readonly state: State;
}

export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** The state of a container that has not run yet. */
export function freshState(): State {
  return {
    status: "created",
    process: null,
    supervisor: null,
    address: null,
    exitCode: 0,
    error: "",
    startedAt: null,
    finishedAt: null,
    restartCount: 0,
    stoppedByRequest: false,
  };
}
