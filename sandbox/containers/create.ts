import { randomBytes } from "node:crypto";
import { DockerError, notHere } from "./docker-error.ts";
import type { Image } from "./image-store.ts";
import {
  freshState,
  type Config,
  type ContainerRecord,
  type Endpoint,
  type HostConfig,
  type NetworkRecord,
} from "./record.ts";

/** Docker's rule for container names. */
export const validName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

interface EndpointRequest {
  readonly Aliases?: readonly string[] | null;
}

/** The body of `POST /containers/create`. */
export interface CreateRequest extends Config {
  readonly Image?: string;
  readonly HostConfig?: HostConfig;
  readonly NetworkingConfig?: { readonly EndpointsConfig?: Readonly<Record<string, EndpointRequest | null>> | null };
}

/** Checks a request for a container and makes its record. Throws 400 or 409 as Docker, and 501 for what a process cannot have. */
export function createRecord(
  id: string,
  name: string | undefined,
  request: CreateRequest,
  image: Image,
  network: (name: string) => NetworkRecord,
): ContainerRecord {
  const { Image: reference = "", HostConfig: hostConfig = {}, NetworkingConfig: networking, ...own } = request;
  const plainName = (name ?? `${image.native ?? "container"}_${id.slice(0, 8)}`).replace(/^\//, "");
  if (!validName.test(plainName)) {
    throw new DockerError(400, `Invalid container name (${plainName}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  refuseUnsupported(hostConfig, image);
  const config = merged(image.config, own);
  if ([...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].length === 0)
    throw new DockerError(400, "no command specified");
  return {
    id,
    name: plainName,
    created: new Date().toISOString(),
    image: reference,
    imageId: image.id,
    config,
    hostConfig,
    endpoints: endpointsOf(hostConfig, networking?.EndpointsConfig ?? {}, network),
    state: freshState(),
  };
}

function refuseUnsupported(hostConfig: HostConfig, image: Image): void {
  const published = Object.values(hostConfig.PortBindings ?? {}).some((bindings) => (bindings ?? []).length > 0);
  if (published) throw notHere("Publishing a port on the host (HostConfig.PortBindings)");
  if (image.native === null && (hostConfig.Binds ?? []).length > 0)
    throw notHere("A volume or bind mount (HostConfig.Binds)");
  if (hostConfig.NetworkMode === "host") throw notHere("The host's network (HostConfig.NetworkMode)");
}

/** Docker's rules: variables and labels are merged by name; an entry point of the container's own drops the image's command. */
function merged(image: Config, own: Config): Config {
  const entrypoint = own.Entrypoint ?? null;
  const given = <T>(value: T | null | undefined, otherwise: T | null | undefined) => value ?? otherwise ?? null;
  const isEmpty = (text: string | undefined) => text === undefined || text === "";
  return {
    ...image,
    ...own,
    Env: environment(image.Env ?? [], own.Env ?? []),
    Labels: { ...image.Labels, ...own.Labels },
    Entrypoint: given(entrypoint, image.Entrypoint),
    Cmd: own.Cmd ?? (entrypoint === null ? (image.Cmd ?? null) : null),
    Healthcheck: (own.Healthcheck?.Test ?? []).length > 0 ? own.Healthcheck : given(image.Healthcheck, undefined),
    WorkingDir: isEmpty(own.WorkingDir) ? (image.WorkingDir ?? "") : own.WorkingDir,
    User: isEmpty(own.User) ? (image.User ?? "") : own.User,
    StopSignal: isEmpty(own.StopSignal) ? image.StopSignal : own.StopSignal,
    ExposedPorts: { ...image.ExposedPorts, ...own.ExposedPorts },
  };
}

function environment(image: readonly string[], own: readonly string[]): string[] {
  const byName = new Map([...image, ...own].map((entry) => [entry.split("=", 1)[0], entry]));
  return [...byName.values()];
}

function endpointsOf(
  hostConfig: HostConfig,
  requested: Readonly<Record<string, EndpointRequest | null>>,
  network: (name: string) => NetworkRecord,
): Record<string, Endpoint> {
  const mode = hostConfig.NetworkMode;
  const main = mode === undefined || mode === "" || mode === "default" ? (Object.keys(requested)[0] ?? "bridge") : mode;
  const names = new Set([main, ...Object.keys(requested)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const found = network(name);
      return [found.name, endpointOn(found, requested[name]?.Aliases ?? [])];
    }),
  );
}

/** A container's place on a network. */
export function endpointOn(network: NetworkRecord, aliases: readonly string[]): Endpoint {
  return { networkId: network.id, endpointId: randomBytes(32).toString("hex"), aliases };
}
