import assert from "node:assert/strict";
import type { z } from "zod";
import { Ledger } from "../../../operations/release/ledger.ts";
import { runSmokeTest } from "../../../operations/release/smoke.ts";
import { SmokeTestSpec, type CriticalPath } from "../../../operations/release/spec.ts";
import { silent } from "../../../operations/progress.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { record } from "../../release-record.ts";
import { openBucket } from "./bucket.ts";
import { serve, type VersionServer } from "./version-server.ts";

const digest = `sha256:${"a".repeat(64)}`;
const right = { body: { release: record.id, digest, gitSha: record.gitSha } };

describe("a smoke test", () => {
  let bucket: Awaited<ReturnType<typeof openBucket>>;
  let servers: VersionServer[] = [];
  let environments = 0;
  before(async () => {
    bucket = await openBucket();
  });
  afterEach(async () => {
    for (const server of servers) await server.close();
    servers = [];
  });
  after(() => bucket.close());

  async function application(answers: Parameters<typeof serve>[0]): Promise<VersionServer> {
    const server = await serve(answers);
    servers.push(server);
    return server;
  }
  const specOf = (url: string, change: Partial<z.input<typeof SmokeTestSpec>> = {}) =>
    SmokeTestSpec.parse({
      stamp: { id: record.id, after: null },
      ledger: { bucket: "affexai-backups", environment: `smoke-${(environments += 1)}` },
      applications: [{ name: "backend", url, image: record.images.backend, versionPath: "/version" }],
      criticalPaths: [],
      consecutive: 3,
      timeoutSeconds: 5,
      after: [],
      ...change,
    });
  const run = (spec: z.output<typeof SmokeTestSpec>) =>
    runSmokeTest.run(spec, { env: bucket.env, progress: silent, signal: new AbortController().signal });
  const newest = (spec: z.output<typeof SmokeTestSpec>) => new Ledger(objectStorage(bucket.env), spec.ledger).newest();
  const path = (change: Partial<CriticalPath> = {}): CriticalPath => ({
    ...{ name: "sign in", application: "backend", method: "POST", path: "/login", expectStatus: 201 },
    ...change,
  });

  it("passes after the declared release answered often enough in a row, and leaves the attempt open for the ledger", async () => {
    const server = await application(() => right);
    const spec = specOf(server.url);
    assert.deepEqual(await run(spec), { attempt: "000001", answers: 3 });
    assert.deepEqual((await newest(spec))?.events, ["begun"]);
  });

  it("begins to count again after an answer of another release, an error or a broken connection", async () => {
    const other = { body: { ...right.body, release: "release-0" } };
    const script = [
      right,
      right,
      other,
      right,
      { status: 503, body: "" },
      right,
      right,
      undefined,
      right,
      right,
      right,
    ];
    const server = await application((_path, nth) => script[nth - 1]);
    await run(specOf(server.url));
    assert.equal(server.answered(), script.length);
  });

  it("says what it saw last when another release keeps answering, and records the failure", async () => {
    const server = await application(() => ({ body: { ...right.body, digest: `sha256:${"b".repeat(64)}` } }));
    const spec = specOf(server.url, { timeoutSeconds: 0.5 });
    await assert.rejects(run(spec), {
      kind: "failed",
      message:
        /backend at .*\/version as 2026\.11\.1, sha256:a{64}: not seen within 0\.5 s; last seen: release 2026\.11\.1, digest sha256:b{64}/,
    });
    assert.deepEqual((await newest(spec))?.events, ["begun", "failed"]);
  });

  it("takes an answer that is no version, or none at all, for what it is", async () => {
    const page = await application(() => ({ body: "<html>" }));
    await assert.rejects(
      run(specOf(page.url, { timeoutSeconds: 0.3 })),
      /last seen: an answer without release, digest and gitSha/,
    );
    const gone = await application(() => right);
    await gone.close();
    servers = servers.filter((server) => server !== gone);
    await assert.rejects(run(specOf(gone.url, { timeoutSeconds: 0.3 })), /last seen: .*ECONNREFUSED/);
  });

  it("sends a critical path's body as JSON and looks at status and text", async () => {
    const server = await application((asked) => (asked === "/login" ? { status: 201, body: { token: "t" } } : right));
    assert.deepEqual(
      await run(specOf(server.url, { criticalPaths: [path({ body: { email: "a@b.c" }, expectText: "token" })] })),
      {
        attempt: "000001",
        answers: 4,
      },
    );
    const text = specOf(server.url, { criticalPaths: [path({ expectText: "session" })] });
    await assert.rejects(run(text), /critical path "sign in" \(POST .*\/login\): answered without "session"/);
    const status = specOf(server.url, { criticalPaths: [path({ expectStatus: 200 })] });
    await assert.rejects(run(status), /answered 201 instead of 200\. .*affexai rollback/);
    assert.deepEqual((await newest(status))?.events, ["begun", "failed"]);
  });

  it("refuses critical paths of applications that are not there, all at once, before anything is asked or recorded", async () => {
    const server = await application(() => right);
    const criticalPaths = [path({ application: "shop" }), path({ name: "home", application: "front" })];
    const spec = specOf(server.url, { criticalPaths });
    await assert.rejects(run(spec), {
      kind: "usage",
      message: /"sign in" names the application shop; "home" names the application front\. Name one of: backend/,
    });
    assert.deepEqual([server.answered(), await newest(spec)], [0, null]);
  });

  it("asks a replica by name where maintenance answers the users, and tells an ordinary failure from it", async () => {
    const behind = (headers: Record<string, string>) =>
      application((requested, _nth, asked) => {
        if (asked["x-affexai-replica"] !== `1-${"a".repeat(12)}`) return { status: 503, body: "later", headers };
        return requested === "/login" ? { status: 201, body: "in" } : right;
      });
    const closed = await behind({ "x-affexai-maintenance": "on", "retry-after": "60" });
    assert.deepEqual(await run(specOf(closed.url, { criticalPaths: [path()] })), { attempt: "000001", answers: 4 });
    const broken = await behind({ "retry-after": "60" });
    await assert.rejects(run(specOf(broken.url, { timeoutSeconds: 0.5 })), /last seen: status 503/);
  });
});
