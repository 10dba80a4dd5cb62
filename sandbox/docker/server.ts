import { join } from "node:path";
import type Docker from "dockerode";
import { OperationError } from "../../operations/error.ts";
import { findTraefik } from "../setup/find-traefik.ts";
import { nodeImage, nodeStandIn, olderClient, postgresStandIn, redisStandIn, traefikStandIn } from "./base-images.ts";
import { removeTraces } from "./clean.ts";
import { answers, connectEngine, engineAddress, type EngineAddress } from "./engine-address.ts";
import { publishNames } from "./names.ts";
import { provideNetwork } from "./network.ts";
import { bridgeOf, startOwnEngine, stopOwnEngine } from "./own-engine.ts";
import { provideImages, type WantedImage } from "./provide-images.ts";
import { startRelay, type Relay } from "./relay.ts";
import { proxyImage } from "./traefik.ts";

export interface DockerRuntimeOptions {
  readonly host: string;
  /** Where the engine's API is to be had over TCP, as the process runtime offers it. */
  readonly port: number;
  /** The sandbox's state folder: marks what is made, and holds the data of an engine of our own. */
  readonly folder: string;
  /** Where names are published for processes outside of containers. */
  readonly hostsFile: string;
  /** Keeps the layers of base images for the next time. */
  readonly cacheDir: string;
  /** Ports of this machine's loopback that containers reach on the network's gateway. */
  readonly gatewayPorts: readonly number[];
  /** Base images that containers are made of: `platformImages`. */
  readonly images: readonly WantedImage[];
  /** A line for people. */
  readonly note: (line: string) => void;
}

export interface DockerRuntime {
  readonly url: string;
  readonly docker: Docker;
  /** Ends all containers. On an engine of our own they and their data stay in the state folder; from another one everything is removed. */
  readonly close: () => Promise<void>;
}

/**
 * Real containers: the machine's engine where one answers, else one of our own. Makes the network, provides the base images, and keeps what containers
 * and the machine need to reach each other. Undoes everything when a part of it fails.
 */
export async function startDockerRuntime(options: DockerRuntimeOptions): Promise<DockerRuntime> {
  const { host, port, folder, note } = options;
  const engine = await openEngine(options);
  const docker = connectEngine(engine.address);
  const open: { close(): Promise<void> | void }[] = [];
  const close = async () => {
    for (const part of open.toReversed()) await part.close();
    await engine.end(docker);
  };
  try {
    const gateway = await provideNetwork(docker, folder, bridgeOf(engineFolder(folder)));
    await provideImages({ docker, cacheDir: options.cacheDir, note }, options.images);
    for (const gatewayPort of options.gatewayPorts) open.push(await relayFrom(gateway, gatewayPort, host));
    open.push(await publishNames(docker, folder, options.hostsFile));
    const address = engine.address;
    open.push(await startRelay({ host, port }, "socketPath" in address ? { path: address.socketPath } : address));
    return { url: `http://${host}:${port}`, docker, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ends what an engine of our own left running when it was killed with -9, and removes what stayed behind on the machine's. */
export async function clearDockerRuntime(folder: string, dockerHost: string | undefined): Promise<void> {
  await stopOwnEngine(engineFolder(folder));
  const machines = engineAddress(dockerHost);
  if (await answers(machines)) await removeTraces(connectEngine(machines), folder);
}

interface OpenEngine {
  readonly address: EngineAddress;
  end(docker: Docker): Promise<void>;
}

async function openEngine({ folder, note }: DockerRuntimeOptions): Promise<OpenEngine> {
  // The supervisor takes away what would be the sandbox's own.
  const dockerHost = process.env["DOCKER_HOST"];
  const machines = engineAddress(dockerHost);
  const engine: OpenEngine = (await answers(machines))
    ? { address: machines, end: (docker) => removeTraces(docker, folder) }
    : await ownEngine(folder, dockerHost);
  const { ServerVersion, Driver } = (await connectEngine(engine.address).info()) as Record<string, string>;
  note(
    `${engine.address === machines ? "this machine's Docker engine" : "a Docker engine of its own"}, ${ServerVersion ?? ""}, ${Driver ?? ""}`,
  );
  return engine;
}

async function ownEngine(folder: string, dockerHost: string | undefined): Promise<OpenEngine> {
  if (dockerHost !== undefined && dockerHost !== "") {
    throw new OperationError("refused", {
      where: "DOCKER_HOST",
      what: `no engine answers at ${dockerHost}.`,
      next: "Start it, or unset DOCKER_HOST: then this machine's engine is used, or one is started.",
    });
  }
  const own = await startOwnEngine(engineFolder(folder));
  return { address: own.address, end: () => own.stop() };
}

function engineFolder(folder: string): string {
  return join(folder, "docker");
}

/** What the platform and the workload run on. */
export const platformImages: readonly WantedImage[] = [
  { name: nodeImage, standIn: nodeStandIn },
  { name: "postgres:16-alpine", standIn: postgresStandIn, unusable: () => olderClient(16) },
  { name: "redis:7-alpine", standIn: redisStandIn },
  { name: proxyImage, standIn: async () => traefikStandIn((await findTraefik()) ?? refuseTraefik()) },
];

function refuseTraefik(): never {
  throw new OperationError("refused", {
    where: "docker runtime",
    what: `${proxyImage} cannot be pulled, and no binary of Traefik was found.`,
    next: "Put traefik (3.5 or newer) on PATH or name it in AFFEXAI_TRAEFIK.",
  });
}

async function relayFrom(gateway: string, port: number, host: string): Promise<Relay> {
  try {
    return await startRelay({ host: gateway, port }, { host, port });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRNOTAVAIL")) throw error;
    throw new OperationError("refused", {
      where: "docker runtime",
      what: `the engine's network (${gateway}) is not on this machine: it runs elsewhere, or in a virtual machine as Docker Desktop's does.`,
      next: "Use an engine of this machine (Linux), or the process runtime: ./affexai sandbox up.",
    });
  }
}
