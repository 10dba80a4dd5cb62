import assert from "node:assert/strict";
import { once } from "node:events";
import type { ApplicationProcess } from "./application-process.ts";
import { ask, logIn, startBackend } from "./backend-process.ts";
import { openEventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";
import { builtReleases, buildLimitMs, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Services, startServices } from "./services.ts";

interface Updates {
  updates: { id: string; kind: string; slug: string }[];
  last: string;
}

describe("the updates that the workload's backend tells everybody of", () => {
  let services: Services;
  let image: UnpackedImage;
  let one: ApplicationProcess;
  let other: ApplicationProcess;
  let token = "";

  const write = async (slug: string) => {
    const page = { title: slug, published: true, components: [] };
    assert.equal((await ask(one, "PUT", `/api/pages/${slug}`, { token, body: page })).status, 204);
  };
  const poll = async (backend: ApplicationProcess, query: string) => {
    const { status, body } = await ask(backend, "GET", `/api/updates?${query}`);
    assert.equal(status, 200);
    return body as Updates;
  };

  before(async function () {
    this.timeout(buildLimitMs);
    const [release] = await builtReleases();
    assert.ok(release);
    [services, image] = await Promise.all([startServices(), unpack(release, "backend")]);
    const database = await services.createDatabase("updates");
    await migrate(image, database.migratorUrl);
    one = await startBackend(image, services, database);
    other = await startBackend(image, services, database);
    for (const each of [one, other]) await each.answers("/health/ready", 200);
    token = await logIn(one);
  });
  after(async () => {
    await Promise.all([one.kill(), other.kill()]);
    await Promise.all([services.close(), image.remove()]);
  });

  it("are polled on another replica, at once when there is one and after the wait when there is none", async () => {
    const started = performance.now();
    const none = await poll(other, "waitSeconds=1");
    assert.deepEqual(none.updates, []);
    assert.ok(performance.now() - started >= 1_000);
    const waiting = poll(other, `after=${none.last}&waitSeconds=25`);
    await write("polled");
    const { updates, last } = await waiting;
    assert.deepEqual(updates, [{ id: last, kind: "page", slug: "polled" }]);
    assert.deepEqual((await poll(one, `after=${none.last}&waitSeconds=25`)).updates, updates);
    assert.equal((await ask(one, "GET", "/api/updates?after=yesterday&waitSeconds=60")).status, 400);
  });

  it("are streamed, and a client that comes again elsewhere gets what it missed and nothing twice", async () => {
    const before = await openEventStream(`${one.url}/api/updates/stream`);
    await eventually("the stream is open", async () => (/^retry: \d+\n\n/.test(before.text()) ? true : undefined));
    await write("streamed");
    const id = await eventually("the event", async () => {
      return /^id: (.+)\nevent: page\ndata: {"slug":"streamed"}\n\n/m.exec(before.text())?.[1];
    });
    before.close();
    await write("missed");
    const after = await openEventStream(`${other.url}/api/updates/stream`, { "Last-Event-ID": id });
    await eventually("the missed event", async () => (after.text().includes('{"slug":"missed"}') ? true : undefined));
    await eventually("a heartbeat", async () => (after.text().endsWith("\n\n:\n\n") ? true : undefined));
    assert.equal(after.text().match(/^data:/gm)?.length, 1);
    after.close();
  });

  it("come over a socket that needs no login", async () => {
    const socket = new WebSocket(`${other.url.replace("http", "ws")}/updates`);
    await once(socket, "open");
    const frames: { event: string; data: unknown }[] = [];
    socket.addEventListener("message", ({ data }: MessageEvent) => {
      frames.push(JSON.parse(String(data)) as (typeof frames)[number]);
    });
    socket.send(JSON.stringify({ event: "watch", data: {} }));
    await eventually("the socket answers", async () => (frames[0]?.event === "watching" ? true : undefined));
    await write("pushed");
    const update = await eventually("the update", async () => frames[1]);
    assert.partialDeepStrictEqual(update, { event: "update", data: { kind: "page", slug: "pushed" } });
    socket.close();
  });

  it("are counted and not timed: an answer that may take long says nothing about how fast the backend is", async () => {
    const metrics = await eventually("the polls are counted", async () => {
      const { body } = await ask(other, "GET", "/metrics");
      return String(body).includes('http_requests_total{method="GET",route="/api/updates",status="200"}')
        ? String(body)
        : undefined;
    });
    assert.doesNotMatch(metrics, /http_request_duration_seconds_count{[^}]*route="\/api\/updates/);
  });
});
