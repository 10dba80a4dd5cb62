import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyApplication } from "../../../operations/coolify/application.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { startProxy } from "../../../sandbox/proxy/server.ts";
import { startObjectStorage } from "../../../sandbox/s3/server.ts";
import { openWorkshop, type Workshop } from "../../sandbox/coolify/engine.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { applicationSpec } from "./application-spec.ts";
import { recorded } from "./context.ts";
import { recordRequests, type RecordingProxy } from "../../../sandbox/coolify/recording-proxy.ts";

/** Coolify with an engine, a registry and a proxy beneath it, and a bucket for the ledger: what a rollout needs, all of it real. */
export interface Platform {
  readonly workshop: Workshop;
  /** Between the verbs and Coolify. */
  readonly traffic: RecordingProxy;
  /** Access of a verb, with the values of secret variables. */
  readonly env: Record<string, string>;
  /** A spec for an application of its own on this platform, with a ledger of its own. */
  spec(change: Partial<ApplicationSpec> & Pick<ApplicationSpec, "name" | "image">): ApplicationSpec;
  /** Applies, and gives the lines it reported. */
  apply(
    spec: ApplicationSpec,
    signal?: AbortSignal,
    env?: Record<string, string>,
  ): Promise<{ uuid: string; uuids: string[]; lines: string[] }>;
  ledger(spec: ApplicationSpec): Ledger;
  /** Builds and pushes a release: its pinned image. Equal releases are built once. */
  release(id: string, behaviour?: Behaviour): Promise<string>;
  /** What users get from an application. */
  ask(spec: ApplicationSpec): Promise<{ release: string; digest: string } | number>;
  /** Coolify's record: settings, labels and variables, comparable between two moments. */
  record(uuid: string): Promise<unknown>;
  deployments(uuid: string): Promise<Fields[]>;
  fault(fault: unknown): Promise<void>;
  /** Removes every container and forgets the faults, so that the next application has the route to itself. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/**
 * `unready` never gets ready, `crashing` prints its secret and ends at start, `lying` answers with another digest. `patient` drains before
 * it ends, as an application owes it; `failing` does too, and answers every third request for `/` with 500.
 */
export type Behaviour = "sound" | "unready" | "crashing" | "lying" | "patient" | "failing";

const secrets = { VARIABLE_JWT_SECRET: "jwt-secret-of-the-tests", REGISTRY_PASSWORD: "pull-secret" };

/** `throttleMs`: how soon after a change the proxy takes the next one; Traefik's is 2 s. `timeScale`: of Coolify's own waits. */
export async function openPlatform({ throttleMs = 200, timeScale = 0.3 } = {}): Promise<Platform> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-rollout-"));
  const keys = { accessKeyId: "rollout-test-key", secretAccessKey: "rollout-test-secret" };
  const storage = await startObjectStorage({ host: "127.0.0.1", port: 0, dir: join(dir, "s3"), ...keys });
  const workshop = await openWorkshop({ timeScale });
  const traffic = await recordRequests(workshop.coolify.url);
  await workshop.login();
  const env = {
    COOLIFY_URL: traffic.url,
    COOLIFY_TOKEN: "1|root",
    AWS_ENDPOINT_URL: storage.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...secrets,
  };
  await objectStorage(env).send(new CreateBucketCommand({ Bucket: "affexai-backups" }));
  const proxy = await startProxy({
    host: "127.0.0.1",
    port: 0,
    docker: workshop.engine,
    network: "coolify",
    throttleMs,
    log: () => undefined,
  });
  const { project_uuid, server_uuid, environment_name } = workshop.place as Record<string, string>;
  const placement = {
    projectUuid: project_uuid ?? "",
    environmentName: environment_name ?? "",
    environmentUuid: "",
    serverUuid: server_uuid ?? "",
  };
  const built = new Map<string, Promise<string>>();
  const ledger = (spec: ApplicationSpec) => new Ledger(objectStorage(env), spec.ledger);

  return {
    workshop,
    traffic,
    env,
    ledger,
    spec({ variables, ...change }) {
      return applicationSpec({
        owner: change.name,
        placement,
        environment: "test",
        port: 3000,
        // Names below .localhost are not resolved everywhere; one application at a time is routed.
        hosts: ["127.0.0.1"],
        tls: false,
        publicPort: proxy.port,
        health: { path: "/health/ready", intervalSeconds: 1, timeoutSeconds: 1, retries: 8, startPeriodSeconds: 1 },
        drain: { readySeconds: 1, drainSeconds: 0 },
        stopGracePeriodSeconds: 5,
        ledger: { bucket: "affexai-backups", environment: change.name },
        rolloutTimeoutSeconds: 30,
        ...change,
        variables: { LOG_LEVEL: "info", AFFEXAI_IMAGE_DIGEST: change.image.split("@")[1] ?? "", ...variables },
      });
    },
    async apply(spec, signal, more = {}) {
      const context = recorded({ ...env, ...more }, signal);
      const { uuids } = await applyApplication.run(spec, context);
      return { uuid: uuids[0] ?? "", uuids, lines: context.lines };
    },
    release(id, behaviour = "sound") {
      const key = `${id} ${behaviour}`;
      const building = built.get(key) ?? build(workshop, id, behaviour);
      built.set(key, building);
      return building;
    },
    async ask(spec) {
      const answer = await fetch(`http://127.0.0.1:${spec.publicPort ?? 80}/version`);
      return answer.ok ? ((await answer.json()) as { release: string; digest: string }) : answer.status;
    },
    async record(uuid) {
      const application = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
      for (const name of ["status", "updated_at", "destination"]) delete application[name];
      const { list } = await workshop.coolify.expect(200, "GET", `/applications/${uuid}/envs`);
      const rows = (list as Fields[]).map(({ key, value, is_preview, is_literal, is_runtime, is_buildtime }) => ({
        ...{ key, value, is_preview, is_literal, is_runtime, is_buildtime },
      }));
      rows.sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
      return { ...application, rows };
    },
    async deployments(uuid) {
      const { deployments } = await workshop.coolify.expect(200, "GET", `/deployments/applications/${uuid}?take=50`);
      return deployments as Fields[];
    },
    async fault(fault) {
      const answer = await fetch(`${workshop.coolify.url}/_sandbox/faults`, {
        method: "POST",
        body: JSON.stringify(fault),
      });
      if (answer.status !== 201) throw new Error(await answer.text());
    },
    async clear() {
      await fetch(`${workshop.coolify.url}/_sandbox/faults`, { method: "DELETE" });
      for (const { Id } of await workshop.docker.listContainers({ all: true })) {
        await workshop.docker.getContainer(Id).remove({ force: true });
      }
    },
    async close() {
      await traffic.close();
      await proxy.close();
      await workshop.close();
      await storage.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function build(workshop: Workshop, id: string, behaviour: Behaviour): Promise<string> {
  const { name, digest } = await workshop.push("affexai/tiny", program(id, behaviour));
  return `${name}@${digest}`;
}

/** The smallest application that keeps the platform's contract, or breaks it in one way. */
function program(release: string, behaviour: Behaviour): string {
  if (behaviour === "crashing") return 'console.error("bad secret " + process.env.JWT_SECRET); process.exit(1);';
  const drains = behaviour === "patient" || behaviour === "failing";
  return `
import { createServer } from "node:http";
const digest = ${behaviour === "lying" ? `"sha256:${"9".repeat(64)}"` : "process.env.AFFEXAI_IMAGE_DIGEST"};
let state = "serves";
let asked = 0;
const counts = { 200: 0, 500: 0 };
const metrics = () => [
  ...Object.entries(counts).map(([status, count]) => 'http_requests_total{method="GET",route="/",status="' + status + '"} ' + count),
  'http_request_duration_seconds_sum{method="GET",route="/",status="200"} ' + asked * 0.001,
  'http_request_duration_seconds_count{method="GET",route="/",status="200"} ' + asked,
].join("\\n") + "\\n";
const server = createServer((request, response) => {
  if (state === "drains") response.setHeader("connection", "close");
  if (request.url === "/metrics") return void response.end(metrics());
  const ready = request.url.split("?")[0] !== "/health/ready" || (${behaviour !== "unready"} && state !== "drains");
  const users = request.url === "/";
  const fails = users && ${behaviour === "failing"} && asked % 3 === 0;
  if (users) { asked += 1; counts[fails ? 500 : 200] += 1; }
  response.writeHead(fails ? 500 : ready ? 200 : 503, { "content-type": "application/json" });
  response.end(JSON.stringify({ release: ${JSON.stringify(release)}, digest, gitSha: "${"0".repeat(40)}", level: process.env.LOG_LEVEL }));
});
server.keepAliveTimeout = 95_000;
server.listen(Number(process.env.PORT));
process.on("SIGTERM", () => {
  if (${!drains}) return void setTimeout(() => process.exit(0), 500);
  setTimeout(() => (state = "drains"), 700);
  setTimeout(() => process.exit(0), 2500);
});
`;
}
