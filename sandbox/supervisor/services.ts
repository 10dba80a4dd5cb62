import { join } from "node:path";
import { madeMark } from "../docker/mark.ts";
import { buildFolder } from "../workload/build.ts";
import type { Credentials } from "./credentials.ts";
import { loopbackNames, type Sandbox, type ServiceName } from "./sandbox.ts";

/** A service that serves, in whatever process started it. */
export interface Running {
  readonly url: string;
  close(): Promise<void>;
}

/** One service of the sandbox: what it waits for, what it is told, and how it starts. */
export interface ServiceDefinition {
  readonly name: ServiceName;
  /** The services that have to be ready first. It is stopped before they are. */
  readonly after: readonly ServiceName[];
  /** Started again when it ends by itself: on a real server Coolify and its proxy are containers with the restart policy `always`. */
  readonly restart: boolean;
  /** What it is told, as JSON. Holds secrets. */
  options(sandbox: Sandbox, credentials: Credentials): unknown;
  /** Starts it in this process, from its options. `note` tells people a line meanwhile. */
  start(options: unknown, note: (line: string) => void): Promise<Running>;
}

/** All services. Each one's code is loaded when it starts: a process runs one of them. */
export const services: readonly ServiceDefinition[] = [
  define(
    "containers",
    [],
    ({ runtime, host, ports, folder, hostsFile }) => ({
      runtime,
      folder,
      host,
      port: ports.containers,
      dir: join(folder, "containers"),
      imagesDir: join(folder, "images"),
      hostsFile,
      cacheDir: join(buildFolder, "base"),
      gatewayPorts: [ports.proxy, ports.coolify, ports.s3, ports.registry, ports.github],
    }),
    async ({ runtime, ...options }, note) => {
      if (runtime === "docker") {
        const { platformImages, startDockerRuntime } = await import("../docker/server.ts");
        return startDockerRuntime({ ...options, images: platformImages, note });
      }
      const { startContainerEngine } = await import("../containers/server.ts");
      const engine = await startContainerEngine(options);
      const close = async () => {
        await engine.stopAll();
        await engine.close();
      };
      return { url: engine.url, close };
    },
  ),
  define(
    "s3",
    [],
    ({ host, ports, folder }, { aws }) => ({ host, port: ports.s3, dir: join(folder, "s3"), ...aws }),
    async (options) => (await import("../s3/server.ts")).startObjectStorage(options),
  ),
  define(
    "registry",
    [],
    ({ host, ports, folder }, { registry }) => ({
      host,
      port: ports.registry,
      dir: join(folder, "registry"),
      ...registry,
    }),
    async (options) => (await import("../registry/server.ts")).startRegistry(options),
  ),
  define(
    "github",
    [],
    ({ host, ports, folder }, { github }) => ({
      host,
      port: ports.github,
      dir: join(folder, "github"),
      token: github.token,
      owner: "affexai",
      repository: "affexai",
    }),
    async (options) => (await import("../github/server.ts")).startGithub(options),
  ),
  define(
    "coolify",
    ["containers"],
    ({ runtime, host, ports, folder, coolifyVersion }, { coolify }) => ({
      host,
      port: ports.coolify,
      dir: join(folder, "coolify"),
      docker: {
        host,
        port: ports.containers,
        ...(runtime === "docker" ? { labels: madeMark(folder), gatewayNames: loopbackNames } : {}),
      },
      version: coolifyVersion,
      tokens: [{ token: coolify.token, abilities: ["root" as const], teamId: 0 }],
      proxy: "traefik" as const,
    }),
    async (options) => (await import("../coolify/server.ts")).startCoolify(options),
  ),
  define(
    "proxy",
    ["containers"],
    ({ runtime, folder, host, ports }) => ({
      runtime,
      folder,
      host,
      port: ports.proxy,
      docker: { host, port: ports.containers },
      entryPoint: "http",
    }),
    async ({ runtime, ...options }) => {
      if (runtime === "docker") return (await import("../docker/traefik.ts")).startTraefik(options);
      return (await import("../proxy/server.ts")).startProxy(options);
    },
  ),
];

/** Ties what a service is told to what its start function takes; between the two it travels as JSON. */
function define<Options>(
  name: ServiceName,
  after: readonly ServiceName[],
  options: (sandbox: Sandbox, credentials: Credentials) => Options,
  start: (options: Options, note: (line: string) => void) => Promise<Running>,
): ServiceDefinition {
  // Our own supervisor wrote what arrives there, by `options`.
  const restart = name === "coolify" || name === "proxy";
  return { name, after, restart, options, start: (given, note) => start(given as Options, note) };
}
