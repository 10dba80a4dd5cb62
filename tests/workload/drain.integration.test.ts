import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { examineApplication } from "../../operations/doctor/application.ts";
import { silent } from "../../operations/progress.ts";
import type { ApplicationProcess } from "./application-process.ts";
import { logIn, startBackend } from "./backend-process.ts";
import { openEventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";
import { heldQueue } from "./held-queue.ts";
import { builtReleases, buildLimitMs, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Database, type Services, startServices } from "./services.ts";

/** One answer on a connection that the agent keeps. */
async function answerOn(agent: Agent, url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}

describe("the drain of the workload's backend", () => {
  let services: Services;
  let image: UnpackedImage;
  let database: Database;
  let backend: ApplicationProcess;

  const start = async (changes: Readonly<Record<string, string>>) => {
    backend = await startBackend(image, services, database, changes);
    await backend.answers("/health/ready", 200);
  };

  before(async function () {
    this.timeout(buildLimitMs);
    const [release] = await builtReleases();
    assert.ok(release);
    [services, image] = await Promise.all([startServices(), unpack(release, "backend")]);
    database = await services.createDatabase("draining");
    await migrate(image, database.migratorUrl);
  });
  afterEach(() => backend.kill());
  after(async () => {
    await services.close();
    await image.remove();
  });

  it("stays ready, then serves on unready and closing connections, listens until nobody asks any more, and exits 0", async () => {
    await start({ DRAIN_READY_SECONDS: "2", DRAIN_SECONDS: "2" });
    const seen: { at: number; ready: number; connection: string | undefined }[] = [];
    const asked = performance.now();
    let lastPage = 0;
    backend.child.kill("SIGTERM");
    const ended = await eventually(
      "the process ends",
      async () => {
        const agent = new Agent({ keepAlive: true });
        try {
          const response = await answerOn(agent, `${backend.url}/health/ready`);
          const { statusCode = 0, headers } = response;
          seen.push({ at: performance.now() - asked, ready: statusCode, connection: headers.connection });
          // A reload of the proxy sends requests to a draining process again: longer here than the drain.
          if (performance.now() - asked < 6_000) {
            const page = await answerOn(agent, `${backend.url}/api/pages/home`);
            assert.equal(page.statusCode, 200, "requests are served to the end");
            lastPage = performance.now() - asked;
          }
        } catch (error) {
          // Only a process that is gone may refuse.
          if (!(error instanceof Error && "code" in error)) throw error;
          return await backend.ended;
        } finally {
          agent.destroy();
        }
        return undefined;
      },
      20_000,
      20,
    );
    assert.equal(ended, 0, backend.output());
    const leaving = seen.filter(({ ready }) => ready === 200);
    const draining = seen.filter(({ ready }) => ready === 503);
    assert.equal(leaving.length + draining.length, seen.length);
    assert.ok(seen.findIndex(({ ready }) => ready === 503) === leaving.length, "never ready again");
    assert.ok((leaving.at(-1)?.at ?? 0) > 1_800, "ready for 2 s");
    assert.ok((draining.at(-1)?.at ?? 0) > 3_800, "serving for 2 s more");
    assert.ok(lastPage > 5_500, "as long as somebody asks");
    const left = (draining.at(-1)?.at ?? 0) - lastPage;
    assert.ok(left > 1_200 && left < 3_000, `gone ${left} ms after the last request, whoever still checks`);
    for (const { connection } of leaving) assert.equal(connection, "keep-alive");
    for (const { connection } of draining) assert.equal(connection, "close");
  });

  it("drains all the same when it is told to end while its queue still connects", async () => {
    const redis = await heldQueue(services.variables["REDIS_URL"] ?? "");
    try {
      await start({ REDIS_URL: redis.url, DRAIN_READY_SECONDS: "3", DRAIN_SECONDS: "1" });
      await redis.held;
      const asked = performance.now();
      backend.child.kill("SIGTERM");
      assert.equal(await backend.ended, 0, backend.output());
      assert.ok(performance.now() - asked > 3_800, `ended after ${performance.now() - asked} ms`);
    } finally {
      await redis.close();
    }
  });

  it("finishes a request of 5 s, and ends what never ends by itself as its clients expect, once the proxy is gone", async () => {
    await start({ DRAIN_READY_SECONDS: "1", DRAIN_SECONDS: "1", DRAIN_LIMIT_SECONDS: "10" });
    const lock = database.query(`BEGIN; LOCK TABLE "pages" IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT`);
    await eventually("the table is locked", async () => {
      const rows = await database.query(
        `SELECT 1 AS "held" FROM pg_locks WHERE relation = 'pages'::regclass AND mode = 'AccessExclusiveLock' AND granted`,
      );
      return rows.length > 0 ? true : undefined;
    });
    const stream = await openEventStream(`${backend.url}/api/updates/stream`);
    const sockets = ["/updates", "/chat"].map((path) => new WebSocket(`${backend.url.replace("http", "ws")}${path}`));
    await Promise.all(sockets.map((socket) => once(socket, "open")));
    const [agent, other] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
    const slow = answerOn(agent, `${backend.url}/api/pages/home`);
    const poll = answerOn(other, `${backend.url}/api/updates?waitSeconds=25`);
    await eventually("the request waits", async () => {
      const rows = await database.query(
        `SELECT 1 AS "waits" FROM pg_locks WHERE relation = 'pages'::regclass AND NOT granted`,
      );
      return rows.length > 0 ? true : undefined;
    });

    backend.child.kill("SIGTERM");
    const asked = performance.now();
    const after = async <T>(what: Promise<T>) => ({ value: await what, seconds: (performance.now() - asked) / 1000 });
    const [closed, streamed, polled, answered, exit] = await Promise.all([
      Promise.all(sockets.map((socket) => after(once(socket, "close") as Promise<[CloseEvent]>))),
      after(stream.ended),
      after(poll),
      after(slow),
      after(backend.ended),
    ]);
    for (const { value, seconds } of closed) {
      assert.equal(value[0].code, 1012);
      assert.ok(seconds >= 1.9 && seconds < 4, `sent away after ${seconds} s`);
    }
    assert.equal(streamed.value, "end", "EventSource comes again from an end; a broken answer is an error");
    assert.ok(streamed.seconds >= 1.9 && streamed.seconds < 4, `the stream ended after ${streamed.seconds} s`);
    assert.equal(polled.value.statusCode, 200);
    assert.ok(polled.seconds >= 1.9 && polled.seconds < 4, `the poll was answered after ${polled.seconds} s`);
    assert.equal(answered.value.statusCode, 200);
    assert.ok(answered.seconds > 4, `the slow answer came after ${answered.seconds} s`);
    for (const { value } of [polled, answered]) assert.equal(value.headers.connection, "close");
    assert.equal(exit.value, 0);
    assert.ok(exit.seconds < 12, `ended after ${exit.seconds} s`);
    await lock;
  });

  it("sends the chat's users away to another replica before it ends", async () => {
    await start({ DRAIN_READY_SECONDS: "1", DRAIN_SECONDS: "0" });
    const token = await logIn(backend);
    const socket = new WebSocket(`${backend.url.replace("http", "ws")}/chat`);
    await once(socket, "open");
    socket.send(JSON.stringify({ event: "join", data: { token } }));
    await once(socket, "message");
    backend.child.kill("SIGTERM");
    const [closed] = (await once(socket, "close")) as [CloseEvent];
    assert.equal(closed.code, 1012);
    assert.equal(await backend.ended, 0);
  });

  it("ends at once on a second signal", async () => {
    await start({ DRAIN_READY_SECONDS: "60", DRAIN_SECONDS: "60" });
    backend.child.kill("SIGTERM");
    await eventually("the first signal is seen", async () => (backend.output().includes("leaving") ? true : undefined));
    backend.child.kill("SIGTERM");
    assert.equal(await backend.ended, 0, backend.output());
  });

  it("ends at once on the first signal with both times 0: an application that never heard of draining", async () => {
    await start({ DRAIN_READY_SECONDS: "0", DRAIN_SECONDS: "0" });
    const asked = performance.now();
    backend.child.kill("SIGTERM");
    assert.equal(await backend.ended, 0);
    assert.ok(performance.now() - asked < 500);
    assert.ok(!backend.output().includes("leaving"));
  });

  it("does all that an application owes, as `affexai doctor` looks at it", async () => {
    await start({ DRAIN_READY_SECONDS: "3", DRAIN_SECONDS: "2", DRAIN_LIMIT_SECONDS: "10" });
    const checks = await examineApplication(
      {
        url: backend.url,
        paths: {
          live: "/health",
          ready: "/health/ready",
          version: "/version",
          metrics: "/metrics",
          started: "/health/started",
          slow: "/api/updates?waitSeconds=4",
        },
        process: {
          terminate: () => void backend.child.kill("SIGTERM"),
          kill: () => backend.kill(),
          ended: backend.ended,
        },
        graceSeconds: 20,
        startSeconds: 20,
      },
      { env: {}, progress: silent, signal: new AbortController().signal },
    );
    assert.equal(checks.length, 12);
    assert.deepEqual(
      checks.filter(({ state }) => state !== "ok"),
      [],
    );
  });

  it("keeps idle connections longer than the 90 s for which the proxy does", async () => {
    await start({});
    const response = await answerOn(new Agent({ keepAlive: true }), `${backend.url}/health`);
    assert.equal(response.headers["keep-alive"], "timeout=95");
  });
});
