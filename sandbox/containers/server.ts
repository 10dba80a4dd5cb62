import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { DockerError } from "./docker-error.ts";
import { ContainerEngine } from "./engine.ts";
import { Execs } from "./exec.ts";
import { findRoute, parseBody, readBody, type Answer, type Route } from "./router.ts";
import { containerRoutes } from "./routes/containers.ts";
import { imageRoutes } from "./routes/images.ts";
import { networkRoutes } from "./routes/networks.ts";
import { apiVersion, oldestApiVersion, systemRoutes } from "./routes/system.ts";
import type { ImageStore } from "./image-store.ts";

export interface ContainerEngineOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Everything that the engine keeps. Made if missing. One engine a folder. */
  readonly dir: string;
  /** Where names are published for `network.mjs`. */
  readonly hostsFile: string;
  /** The cache of unpacked images, which may be shared. Default: `dir`/images. */
  readonly imagesDir?: string;
}

export interface ContainerEngineServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What there is to run, for whoever registers an image without a registry. */
  readonly images: ImageStore;
  /** Stops serving. The containers go on running, and the next engine on the same folder takes them up. */
  close(): Promise<void>;
  /** Ends the containers, each with its own grace period. The next engine starts those again whose restart policy says so. */
  stopAll(): Promise<void>;
}

/** Serves the Docker Engine API over containers that are processes of this machine: see README.md for what it does and does not do. */
export async function startContainerEngine(options: ContainerEngineOptions): Promise<ContainerEngineServer> {
  const { dir, hostsFile, imagesDir = join(dir, "images") } = options;
  const engine = await ContainerEngine.open({ dir, hostsFile });
  const execs = new Execs();
  const routes = [
    ...systemRoutes(engine),
    ...containerRoutes(engine, execs),
    ...imageRoutes(engine, imagesDir),
    ...networkRoutes(engine),
  ];
  const server = createServer((request, response) => void answer(routes, request, response));
  server.on("upgrade", (request, socket, head) => void startAttachedExec(engine, execs, request, socket, head));
  try {
    server.listen(options.port, options.host);
    await once(server, "listening");
  } catch (error) {
    await engine.close();
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The container engine has no port.");
  return {
    url: `http://${options.host}:${address.port}`,
    host: options.host,
    port: address.port,
    images: engine.images,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await engine.close();
    },
    stopAll: () => engine.stopAll(),
  };
}

async function answer(routes: readonly Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("api-version", apiVersion);
  response.setHeader("ostype", "linux");
  response.setHeader("server", "Docker/27.3.1 (linux)");
  try {
    const url = new URL(request.url ?? "/", "http://docker");
    checkVersion(url.pathname);
    const { handle, path } = findRoute(routes, request.method ?? "GET", url.pathname);
    const call = { request, response, path, query: url.searchParams, body: <T>() => readBody<T>(request) };
    send(response, await handle(call));
  } catch (error) {
    if (response.headersSent) response.destroy();
    else send(response, failure(error));
  }
}

function send(response: ServerResponse, reply: Answer): void {
  if (reply === undefined) return;
  if (reply.json === undefined) response.writeHead(reply.status).end();
  else response.writeHead(reply.status, { "content-type": "application/json" }).end(`${JSON.stringify(reply.json)}\n`);
}

/** An unexpected failure is a 500 with its message, as in Docker. Its stack goes to the log. */
function failure(error: unknown): Answer {
  if (error instanceof DockerError) {
    return error.status === 304 ? { status: 304 } : { status: error.status, json: { message: error.message } };
  }
  console.error(error);
  return { status: 500, json: { message: error instanceof Error ? error.message : String(error) } };
}

function checkVersion(pathname: string): void {
  const version = /^\/v1\.(\d+)\//.exec(pathname)?.[1];
  if (version === undefined) return;
  const minor = Number(version);
  if (minor > Number(apiVersion.slice(2))) {
    throw new DockerError(400, `client version 1.${minor} is too new. Maximum supported API version is ${apiVersion}`);
  }
  if (minor < Number(oldestApiVersion.slice(2))) {
    throw new DockerError(
      400,
      `client version 1.${minor} is too old. Minimum supported API version is ${oldestApiVersion}, please upgrade your client to a newer version`,
    );
  }
}

/** `POST /exec/{id}/start` of a client that wants both directions: the connection becomes the stream. */
async function startAttachedExec(
  engine: ContainerEngine,
  execs: Execs,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  // A client that leaves is no failure of ours.
  socket.on("error", () => undefined);
  try {
    const routes: Route[] = [["POST", "/exec/:id/start", async () => undefined]];
    const { path } = findRoute(routes, request.method ?? "GET", new URL(request.url ?? "/", "http://docker").pathname);
    const id = path["id"] ?? "";
    const around = engine.surroundings(execs.containerOf(id).record);
    const length = Number(request.headers["content-length"] ?? 0);
    let body = head;
    while (body.length < length) body = Buffer.concat([body, ((await once(socket, "data")) as [Buffer])[0]]);
    parseBody(body.subarray(0, length));
    if (body.length > length) socket.unshift(body.subarray(length));
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    await execs.start(id, around, socket);
    socket.end();
  } catch (error) {
    const status = error instanceof DockerError ? error.status : 500;
    const message = JSON.stringify({ message: error instanceof Error ? error.message : String(error) });
    socket.end(
      `HTTP/1.1 ${status} Error\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
    );
  }
}
