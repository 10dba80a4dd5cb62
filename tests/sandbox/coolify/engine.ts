import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import Docker from "dockerode";
import type { CoolifyOptions } from "../../../sandbox/coolify/server.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { startContainerEngine } from "../../../sandbox/containers/server.ts";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry } from "../../../sandbox/registry/server.ts";
import { openPlayground, openPlace, until, type Playground } from "./fixture.ts";

const credentials = { username: "deployer", password: "pull-secret" };

/** The stand-in with a real registry and a real engine beneath it. */
export interface Workshop {
  readonly coolify: Playground;
  readonly docker: Docker;
  /** Where the engine's API is. */
  readonly engine: { readonly host: string; readonly port: number };
  /** `host:port` of the registry; the engine is not logged in to it yet. */
  readonly registry: string;
  readonly credentials: typeof credentials;
  readonly place: Fields;
  /** Builds and pushes an image that runs `main.mjs`; gives its name and digest. */
  push(repository: string, program: string): Promise<{ name: string; digest: string }>;
  login(): Promise<void>;
  /** Deploys and waits for the end; gives the deployment with its log. */
  deploy(uuid: string, fields?: Fields): Promise<Fields>;
  /** The end of a deployment that was started. */
  finished(deploymentUuid: string): Promise<Fields>;
  /** The containers of an application, newest first. */
  containers(uuid: string): Promise<Docker.ContainerInspectInfo[]>;
  /** What a container answers on its own address. */
  get(container: Docker.ContainerInspectInfo, route: string): Promise<{ status: number; body: Fields }>;
  close(): Promise<void>;
}

export async function openWorkshop(options: Partial<CoolifyOptions> = {}): Promise<Workshop> {
  const dir = await mkdtemp(path.join(tmpdir(), "coolify-workshop-"));
  const registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: path.join(dir, "registry"), ...credentials });
  const engine = await startContainerEngine({
    host: "127.0.0.1",
    port: 0,
    dir: path.join(dir, "containers"),
    hostsFile: path.join(dir, "hosts.json"),
  });
  const address = { host: "127.0.0.1", port: engine.port };
  const coolify = await openPlayground({ dir: path.join(dir, "coolify"), docker: address, ...options });
  const docker = new Docker({ protocol: "http", ...address });
  const place = await openPlace(coolify);
  let builds = 0;

  const workshop: Workshop = {
    coolify,
    docker,
    engine: address,
    registry: registry.host,
    credentials,
    place,
    async push(repository, program) {
      const context = path.join(dir, `build-${builds++}`);
      await mkdir(context, { recursive: true });
      await writeFile(path.join(context, "main.mjs"), program);
      const dockerfile = path.join(context, "Dockerfile");
      await writeFile(dockerfile, 'FROM node:24-alpine\nWORKDIR /app\nCOPY main.mjs ./\nCMD ["node", "main.mjs"]\n');
      const image = await buildImage({ context, dockerfile, cacheDir: path.join(dir, "layers") });
      const { digest } = await pushImage(image, {
        registry: registry.host,
        repository,
        tags: ["latest"],
        auth: credentials,
      });
      return { name: `${registry.host}/${repository}`, digest };
    },
    async login() {
      await coolify.expect(200, "POST", `/servers/${place.server_uuid as string}/registries`, {
        registry: registry.host,
        ...credentials,
      });
    },
    async deploy(uuid, fields = {}) {
      const answer = await coolify.expect(200, "POST", "/deploy", { uuid, force: true, ...fields });
      const [deployment] = answer.deployments as Fields[];
      return workshop.finished(deployment?.deployment_uuid as string);
    },
    finished: (deploymentUuid) =>
      until(`the end of deployment ${deploymentUuid}`, async () => {
        const deployment = await coolify.expect(200, "GET", `/deployments/${deploymentUuid}`);
        return deployment.finished_at !== null && deployment;
      }),
    async containers(uuid) {
      const listed = await docker.listContainers({ all: true });
      const own = listed.filter(({ Names }) => Names[0]?.startsWith(`/${uuid}`));
      return Promise.all(own.map(({ Id }) => docker.getContainer(Id).inspect()));
    },
    async get(container, route) {
      const ip = Object.values(container.NetworkSettings.Networks)[0]?.IPAddress ?? "";
      const answer = await fetch(`http://${ip}:3000${route}`);
      return { status: answer.status, body: (await answer.json()) as Fields };
    },
    async close() {
      await coolify.close();
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true });
      await engine.close();
      await registry.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return workshop;
}

/**
 * A server that tells its version and environment. It ends on SIGTERM after `STOP_MS`. /ready follows `READY` until it is told
 * otherwise by POST /ready or /unready.
 */
export const program = (version: string): string => `
import { createServer } from "node:http";
let ready = process.env.READY !== "no";
const server = createServer((request, response) => {
  if (request.method === "POST") ready = request.url === "/ready";
  response.writeHead(request.url === "/ready" && !ready ? 503 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify({ version: ${JSON.stringify(version)}, env: process.env }));
});
server.listen(Number(process.env.PORT));
console.log("version ${version} listens");
process.on("SIGTERM", () => setTimeout(() => process.exit(0), Number(process.env.STOP_MS ?? 0)));
`;
