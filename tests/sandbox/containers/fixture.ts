import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import Docker from "dockerode";
import type { Image } from "../../../sandbox/containers/image-store.ts";
import { startContainerEngine, type ContainerEngineServer } from "../../../sandbox/containers/server.ts";

/** An engine of a test's own, its client, and the folder that outlives the engine. */
export interface TestEngine {
  readonly dir: string;
  readonly hostsFile: string;
  server: ContainerEngineServer;
  docker: Docker;
  /** Closes the engine and opens another one on the same folder and port. */
  reopen(): Promise<void>;
  /** Ends everything. */
  remove(): Promise<void>;
}

export async function openEngine(): Promise<TestEngine> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-containers-"));
  const hostsFile = join(dir, "hosts.json");
  const open = (port: number) => startContainerEngine({ host: "127.0.0.1", port, dir: join(dir, "engine"), hostsFile });
  const client = (port: number) => new Docker({ host: "127.0.0.1", port, protocol: "http" });
  const server = await open(0);
  const engine: TestEngine = {
    dir,
    hostsFile,
    server,
    docker: client(server.port),
    async reopen() {
      // Closing twice is harmless.
      await engine.server.close();
      engine.server = await open(engine.server.port);
    },
    async remove() {
      for (const { Id } of await engine.docker.listContainers({ all: true })) {
        await engine.docker.getContainer(Id).remove({ force: true });
      }
      await engine.server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return engine;
}

/** Registers an image made of these files, in the working directory /app, whose command is `node main.mjs`. */
export async function addImage(
  engine: TestEngine,
  reference: string,
  files: Readonly<Record<string, string>>,
  config: Image["config"] = {},
): Promise<void> {
  const id = createHash("sha256")
    .update(JSON.stringify([reference, files, config]))
    .digest("hex");
  const root = join(engine.dir, "roots", id);
  await mkdir(join(root, "app"), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, "app", name), content);
  await engine.server.images.add({
    id: `sha256:${id}`,
    tags: [reference],
    digests: [],
    created: new Date().toISOString(),
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["node", "main.mjs"], WorkingDir: "/app", ...config },
    size: 0,
    root,
    native: null,
  });
}

/** Asks again until `look` gives a value. Fails after 20 s with what was seen last. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000;
  let last = "nothing";
  while (Date.now() < deadline) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await pause(20);
  }
  throw new Error(`${what} was not seen within 20 s; last seen: ${last}.`);
}

/** A server that answers its own name, and /health according to a switch: POST /sick and POST /well. */
export const webServer = `
import { createServer } from "node:http";
let healthy = process.env.SICK !== "1";
const server = createServer((request, response) => {
  if (request.url === "/sick") healthy = false;
  if (request.url === "/well") healthy = true;
  if (request.url === "/exit") setImmediate(() => process.exit(Number(process.env.EXIT_CODE ?? 3)));
  response.writeHead(request.url === "/health" && !healthy ? 503 : 200);
  response.end(JSON.stringify({ name: process.env.NAME, pid: process.pid, url: request.url }));
});
server.listen(3000);
if (process.env.STUBBORN === "1") process.on("SIGTERM", () => console.log("ignored SIGTERM"));
if (process.env.GRACEFUL === "1") process.on("SIGTERM", () => { console.log("stopping"); process.exit(0); });
console.log("listening");
`;
