import { basename } from "node:path";
import type { Container } from "./container.ts";
import type { Image } from "./image-store.ts";
import type { ContainerRecord, NetworkRecord } from "./record.ts";
import { logFile } from "./supervisor.ts";

/** Docker's zero time. */
const never = "0001-01-01T00:00:00Z";

/** `GET /containers/{id}/json`. */
export function inspectView(container: Container, directory: string): object {
  const { record } = container;
  const { state, config, hostConfig } = record;
  const health = container.health();
  const [program = "", ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return {
    Id: record.id,
    Created: record.created,
    Path: program,
    Args: args,
    State: {
      Status: state.status,
      Running: container.running,
      Paused: false,
      Restarting: state.status === "restarting",
      OOMKilled: false,
      Dead: false,
      Pid: state.status === "running" ? (state.process?.pid ?? 0) : 0,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt ?? never,
      FinishedAt: state.finishedAt ?? never,
      ...(health === null
        ? {}
        : {
            Health: {
              Status: health.status,
              FailingStreak: health.failingStreak,
              Log: health.log.map(({ start, end, exitCode, output }) => ({
                Start: start,
                End: end,
                ExitCode: exitCode,
                Output: output,
              })),
            },
          }),
    },
    Image: record.imageId,
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: "processes",
    Platform: "linux",
    LogPath: logFile(directory),
    HostConfig: {
      NetworkMode: Object.keys(record.endpoints)[0] ?? "default",
      ...hostConfig,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0, ...hostConfig.RestartPolicy },
    },
    Mounts: (hostConfig.Binds ?? []).map((bind) => {
      const [source = "", destination = ""] = bind.split(":");
      return { Type: "volume", Name: basename(source), Source: source, Destination: destination, Mode: "z", RW: true };
    }),
    Config: { ...config, Image: record.image, Hostname: config.Hostname ?? record.id.slice(0, 12) },
    NetworkSettings: { Ports: portsOf(record), Networks: networksOf(record) },
  };
}

/** One entry of `GET /containers/json`. */
export function listView(container: Container): object {
  const { record } = container;
  const { config, state } = record;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.image,
    ImageID: record.imageId,
    Command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" "),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: Object.keys(config.ExposedPorts ?? {}).map((key) => {
      const [port, type = "tcp"] = key.split("/");
      return { PrivatePort: Number(port), Type: type };
    }),
    Labels: config.Labels ?? {},
    State: state.status,
    Status: statusText(container),
    HostConfig: { NetworkMode: Object.keys(record.endpoints)[0] ?? "default" },
    NetworkSettings: { Networks: networksOf(record) },
    Mounts: [],
  };
}

/** `docker ps`'s status column, for example `Up 3 seconds (healthy)`. */
function statusText(container: Container): string {
  const { state } = container.record;
  const since = (time: string | null) =>
    `${Math.max(0, Math.floor((Date.now() - Date.parse(time ?? never)) / 1000))} seconds`;
  switch (state.status) {
    case "created":
      return "Created";
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "running": {
      const health = container.health();
      const word = health === null ? "" : ` (${health.status === "starting" ? "health: starting" : health.status})`;
      return `Up ${since(state.startedAt)}${word}`;
    }
  }
}

function portsOf({ config }: ContainerRecord): Record<string, null> {
  return Object.fromEntries(Object.keys(config.ExposedPorts ?? {}).map((port) => [port, null]));
}

function networksOf({ id, name, endpoints, state }: ContainerRecord): object {
  return Object.fromEntries(
    Object.entries(endpoints).map(([network, { networkId, endpointId, aliases }]) => [
      network,
      {
        IPAMConfig: null,
        Links: null,
        Aliases: aliases,
        NetworkID: networkId,
        EndpointID: state.address === null ? "" : endpointId,
        Gateway: state.address === null ? "" : state.address.replace(/\.\d+$/, ".1"),
        IPAddress: state.address ?? "",
        IPPrefixLen: state.address === null ? 0 : 24,
        IPv6Gateway: "",
        GlobalIPv6Address: "",
        GlobalIPv6PrefixLen: 0,
        MacAddress: "",
        DriverOpts: null,
        DNSNames: network === "bridge" ? null : [name, ...aliases, id.slice(0, 12)],
      },
    ]),
  );
}

/** `GET /networks/{id}`, and an entry of the list. */
export function networkView(network: NetworkRecord, prefix: string, containers: readonly Container[]): object {
  const attached = containers.filter(({ record }) => record.state.address !== null && network.name in record.endpoints);
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: {
      Driver: "default",
      Options: null,
      Config: network.driver === "bridge" ? [{ Subnet: `${prefix}.0/24`, Gateway: `${prefix}.1` }] : [],
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      attached.map(({ id, record }) => [
        id,
        {
          Name: record.name,
          EndpointID: record.endpoints[network.name]?.endpointId ?? "",
          MacAddress: "",
          IPv4Address: `${record.state.address ?? ""}/24`,
          IPv6Address: "",
        },
      ]),
    ),
    Options: {},
    Labels: network.labels,
  };
}

/** `GET /images/{name}/json`. */
export function imageView(image: Image): object {
  const { id, tags, digests, created, architecture, os, size, config } = image;
  return {
    Id: id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: "",
    Comment: "",
    Created: created,
    Author: "",
    Architecture: architecture,
    Os: os,
    Size: size,
    Config: config,
    RootFS: { Type: "layers", Layers: [] },
    Metadata: {},
  };
}

/** An entry of `GET /images/json`. */
export function imageListView(image: Image, containers: readonly Container[]): object {
  const { id, tags, digests, created, size, config } = image;
  return {
    Id: id,
    ParentId: "",
    RepoTags: tags,
    RepoDigests: digests,
    Created: Math.floor(Date.parse(created) / 1000),
    Size: size,
    SharedSize: -1,
    Labels: config.Labels ?? {},
    Containers: containers.filter(({ record }) => record.imageId === id).length,
  };
}
