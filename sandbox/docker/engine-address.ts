import Docker from "dockerode";
import { OperationError } from "../../operations/error.ts";

/** Where a Docker engine answers: a socket of this machine, or plain TCP. */
export type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const defaultSocket = "/var/run/docker.sock";

/** What DOCKER_HOST names, otherwise the place where Docker's own packages put their socket. */
export function engineAddress(dockerHost: string | undefined): EngineAddress {
  if (dockerHost === undefined || dockerHost === "") return { socketPath: defaultSocket };
  const socketPath = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const [, host, port] = /^tcp:\/\/([^:/]+):(\d+)\/?$/.exec(dockerHost) ?? [];
  if (host !== undefined) return { host, port: Number(port) };
  throw new OperationError("usage", {
    where: "DOCKER_HOST",
    what: `must be unix:///path or tcp://host:port, got ${JSON.stringify(dockerHost)}.`,
    next: "Name an engine of this machine: containers have to be reachable by their addresses.",
  });
}

/** `timeout` in milliseconds, for each call. */
export function connectEngine(address: EngineAddress, timeout?: number): Docker {
  const limit = timeout === undefined ? {} : { timeout };
  return new Docker("socketPath" in address ? { ...address, ...limit } : { ...address, ...limit, protocol: "http" });
}

/** Whether an engine answers there, within five seconds. */
export async function answers(address: EngineAddress): Promise<boolean> {
  return connectEngine(address, 5000)
    .version()
    .then(
      () => true,
      () => false,
    );
}
