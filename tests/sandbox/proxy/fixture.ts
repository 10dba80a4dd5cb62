import type Docker from "dockerode";
import { nodeImage } from "../../../sandbox/docker/base-images.ts";
import { addImage, openEngine, until } from "../containers/fixture.ts";
import { openRuntime } from "../docker/runtime.ts";

/** Where the proxies' tests run their containers. */
export interface Platform {
  readonly docker: Docker;
  /** The engine's API over TCP. */
  readonly address: { readonly host: string; readonly port: number };
  /** How the application below is started. */
  readonly application: { readonly Image: string; readonly Cmd?: string[] };
  /** Removes all containers. */
  clear(): Promise<void>;
  /** Ends everything. */
  remove(): Promise<void>;
}

/**
 * A web application for tests: echoes what it got, streams, upgrades, and on SIGTERM does what READY_SECONDS (still ready, then unready but serving for
 * DRAIN_SECONDS) says; without it, it exits at once.
 */
const application = `
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
const { NAME, READY_SECONDS, DRAIN_SECONDS = "0", PORT = "3000" } = process.env;
let ready = process.env.SICK !== "1";
let draining = false;
const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://app");
  if (draining) response.setHeader("connection", "close");
  if (url.pathname === "/sick") ready = false;
  if (url.pathname === "/well") ready = true;
  if (url.pathname === "/health/ready") return response.writeHead(ready ? 200 : 503).end(ready ? "ok" : "no");
  if (url.pathname === "/health") return response.end("ok");
  if (url.pathname === "/break") return request.socket.destroy();
  if (url.pathname === "/cut") { response.write("half"); return setTimeout(() => request.socket.destroy(), 50); }
  if (url.pathname === "/large") return response.end("x".repeat(100_000));
  if (url.pathname === "/stream") {
    for (let index = 0; index < 3; index += 1) { response.write("part " + index + "\\n"); await pause(200); }
    return response.end();
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ name: NAME, method: request.method, url: request.url, headers: request.headers, body }));
});
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: " + request.headers.upgrade + "\\r\\n\\r\\n");
  socket.on("data", (chunk) => socket.write(NAME + ":" + chunk));
  socket.on("end", () => socket.end());
  socket.on("error", () => {});
});
server.keepAliveTimeout = 95_000;
if (process.env.DEAF !== "1") server.listen(Number(PORT));
else setInterval(() => {}, 1000);
process.on("SIGTERM", async () => {
  if (READY_SECONDS === undefined) process.exit(0);
  await pause(Number(READY_SECONDS) * 1000);
  ready = false;
  draining = true;
  await pause(Number(DRAIN_SECONDS) * 1000);
  process.exit(0);
});
`;

/** Containers that are processes of this machine. */
export async function openProcesses(): Promise<Platform> {
  const engine = await openEngine();
  const { docker, server } = engine;
  await docker.createNetwork({ Name: "coolify" });
  await addImage(engine, "application:1", { "main.mjs": application }, { ExposedPorts: { "3000/tcp": {} } });
  return {
    docker,
    address: { host: server.host, port: server.port },
    application: { Image: "application:1" },
    clear: () => clear(docker),
    remove: () => engine.remove(),
  };
}

/** Containers of a Docker engine. */
export async function openDocker(): Promise<Platform> {
  const runtime = await openRuntime([nodeImage]);
  const { docker, address } = runtime;
  return {
    docker,
    address,
    application: { Image: nodeImage, Cmd: ["node", "--input-type=module", "--eval", application] },
    clear: () => clear(docker),
    remove: () => runtime.remove(),
  };
}

/** The label of the containers made here: an engine may have others. */
const ownLabel = "io.affexai.test";

async function clear(docker: Docker): Promise<void> {
  for (const { Id } of await docker.listContainers({ all: true, filters: JSON.stringify({ label: [ownLabel] }) })) {
    await docker.getContainer(Id).remove({ force: true });
  }
}

/** Starts a container with these labels (`traefik.` is added, and traefik.enable). */
export async function run(
  platform: Platform,
  name: string,
  labels: Readonly<Record<string, string>>,
  options: { env?: string[]; healthSeconds?: number } = {},
): Promise<Docker.Container> {
  const container = await platform.docker.createContainer({
    name,
    ...platform.application,
    Env: [`NAME=${name}`, ...(options.env ?? [])],
    Labels: {
      [ownLabel]: name,
      "traefik.enable": "true",
      ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`traefik.${key}`, value])),
    },
    HostConfig: { NetworkMode: "coolify" },
    ...(options.healthSeconds === undefined
      ? {}
      : {
          Healthcheck: {
            Test: [
              "CMD-SHELL",
              "curl -s -X GET -f http://127.0.0.1:3000/health/ready > /dev/null || wget -q -O- http://127.0.0.1:3000/health/ready > /dev/null || exit 1",
            ],
            Interval: options.healthSeconds * 1e9,
            Timeout: 5e9,
            Retries: 2,
          },
        }),
  });
  await container.start();
  return container;
}

/** The labels of one service behind one router for a host. */
export function site(
  name: string,
  host: string,
  more: { readonly check?: string; readonly retry?: boolean; readonly priority?: number; readonly rule?: string } = {},
): Record<string, string> {
  const service = `http.services.${name}.loadbalancer`;
  return {
    [`http.routers.${name}.rule`]: more.rule ?? `Host(\`${host}\`)`,
    [`http.routers.${name}.entrypoints`]: "http",
    [`http.routers.${name}.service`]: name,
    ...(more.priority === undefined ? {} : { [`http.routers.${name}.priority`]: `${more.priority}` }),
    ...(more.retry === true
      ? {
          [`http.routers.${name}.middlewares`]: `${name}-retry`,
          [`http.middlewares.${name}-retry.retry.attempts`]: "3",
          [`http.middlewares.${name}-retry.retry.initialinterval`]: "10ms",
        }
      : {}),
    [`${service}.server.port`]: "3000",
    ...(more.check === undefined
      ? {}
      : {
          [`${service}.healthcheck.path`]: "/health/ready",
          [`${service}.healthcheck.interval`]: more.check,
          [`${service}.healthcheck.timeout`]: "500ms",
        }),
  };
}

/** Waits until Docker calls a container healthy. */
export async function healthy(container: Docker.Container): Promise<void> {
  await until("a healthy container", async () => (await container.inspect()).State.Health?.Status === "healthy");
}
