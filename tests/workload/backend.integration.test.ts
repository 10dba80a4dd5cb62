import assert from "node:assert/strict";
import { once } from "node:events";
import type { ApplicationProcess } from "./application-process.ts";
import { ask, demoUser, logIn, startBackend } from "./backend-process.ts";
import { eventually } from "./eventually.ts";
import { builtReleases, buildLimitMs, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Database, type Services, startServices } from "./services.ts";

interface Frame {
  event: string;
  data: unknown;
}

async function joinChat(backend: ApplicationProcess, token: string): Promise<{ socket: WebSocket; frames: Frame[] }> {
  const socket = new WebSocket(`${backend.url.replace("http", "ws")}/chat`);
  const frames: Frame[] = [];
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    frames.push(JSON.parse(String(data)) as Frame);
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ event: "join", data: { token } }));
  const first = await eventually("the chat answers", async () => frames[0]);
  assert.equal(first.event, "joined");
  return { socket, frames };
}

describe("the workload's backend", () => {
  let services: Services;
  let image: UnpackedImage;
  let database: Database;
  let backend: ApplicationProcess;

  before(async function () {
    this.timeout(buildLimitMs);
    const [release] = await builtReleases();
    assert.ok(release);
    [services, image] = await Promise.all([startServices(), unpack(release, "backend")]);
    database = await services.createDatabase("critical_paths");
    await migrate(image, database.migratorUrl);
    backend = await startBackend(image, services, database);
    await backend.answers("/health/ready", 200);
  });
  after(async () => {
    await backend.kill();
    await Promise.all([services.close(), image.remove()]);
  });

  it("logs in and out, and a logged-out token is refused", async () => {
    const token = await logIn(backend);
    const me = await ask(backend, "GET", "/api/auth/me", { token });
    assert.deepEqual(me.status, 200);
    assert.partialDeepStrictEqual(me.body, { email: demoUser.email, role: "admin" });
    assert.equal((await ask(backend, "POST", "/api/auth/logout", { token })).status, 204);
    assert.equal((await ask(backend, "GET", "/api/auth/me", { token })).status, 401);
  });

  it("refuses a wrong password and an unknown user in the same words", async () => {
    const wrong = await ask(backend, "POST", "/api/auth/login", {
      body: { ...demoUser, password: "not the password" },
    });
    const unknown = await ask(backend, "POST", "/api/auth/login", {
      body: { ...demoUser, email: "nobody@affexai.example" },
    });
    assert.equal(wrong.status, 401);
    assert.deepEqual(unknown, wrong);
  });

  it("keeps no password and no token in the database or the logs", async () => {
    const token = await logIn(backend);
    const [row] = await database.query(`SELECT "password_hash" FROM "users" WHERE "email" = '${demoUser.email}'`);
    assert.match(String(row?.["password_hash"]), /^scrypt\$16384\$8\$1\$/);
    assert.ok(!backend.output().includes(demoUser.password));
    assert.ok(!backend.output().includes(token));
  });

  it("writes its log as JSON lines", () => {
    const lines = backend.output().trim().split("\n");
    assert.ok(lines.length > 3);
    for (const line of lines) assert.equal(typeof (JSON.parse(line) as { level: unknown }).level, "string", line);
  });

  it("takes a ticket from anybody, and shows tickets to users only", async () => {
    const body = { subject: "It hangs", body: "Since noon.", email: "customer@example.com", priority: "high" };
    const created = await ask(backend, "POST", "/api/tickets", { body });
    assert.equal(created.status, 201);
    assert.partialDeepStrictEqual(created.body, { ...body, status: "open" });
    assert.equal((await ask(backend, "GET", "/api/tickets")).status, 401);
    const listed = await ask(backend, "GET", "/api/tickets?priority=high", { token: await logIn(backend) });
    assert.deepEqual((listed.body as { id: string }[])[0], created.body);
  });

  it("reports every problem of a request at once", async () => {
    const { status, body } = await ask(backend, "POST", "/api/tickets", { body: { subject: "", email: "x" } });
    assert.equal(status, 400);
    const problems = (body as { problems: { path: string }[] }).problems.map(({ path }) => path);
    assert.deepEqual(problems.sort(), ["body", "email", "subject"]);
  });

  it("sends a campaign through the queue, one e-mail per recipient however often it is asked", async () => {
    const token = await logIn(backend);
    const recipients = ["one@example.com", "two@example.com", "three@example.com"];
    const created = await ask(backend, "POST", "/api/campaigns", {
      token,
      body: { subject: "News", body: "There are some.", recipients },
    });
    const { id } = created.body as { id: string };
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await ask(backend, "POST", `/api/campaigns/${id}/send`, { token })).status, 202);
    }
    const sent = await eventually("the campaign is sent", async () => {
      const { body } = await ask(backend, "GET", `/api/campaigns/${id}`, { token });
      return (body as { status: string }).status === "sent" ? body : undefined;
    });
    assert.partialDeepStrictEqual(sent, { recipients: 3, sent: 3 });
    const rows = await database.query(`SELECT "recipient" FROM "outbox_emails" WHERE "campaign_id" = '${id}'`);
    assert.deepEqual(rows.map((row) => row["recipient"]).sort(), recipients.sort());
  });

  it("writes and shows CMS pages with their components, and their media from object storage", async () => {
    const token = await logIn(backend);
    const bytes = Uint8Array.from({ length: 4096 }, (_, index) => index % 251);
    const stored = await ask(backend, "POST", "/api/media?fileName=logo.png", {
      token,
      body: bytes,
      type: "image/png",
    });
    assert.equal(stored.status, 201, JSON.stringify(stored.body));
    const { id: mediaId } = stored.body as { id: string };
    const components = [
      { type: "text", content: { text: "Hello" } },
      { type: "image", content: { mediaId, alt: "Our logo" } },
    ];
    const draft = { title: "Pricing", published: true, components };
    assert.equal((await ask(backend, "PUT", "/api/pages/pricing", { token, body: draft })).status, 204);
    assert.deepEqual(await ask(backend, "GET", "/api/pages/pricing"), {
      status: 200,
      body: { slug: "pricing", title: "Pricing", metadata: {}, components },
    });
    const media = await fetch(`${backend.url}/api/media/${mediaId}`);
    assert.equal(media.headers.get("content-type"), "image/png");
    assert.deepEqual(new Uint8Array(await media.arrayBuffer()), bytes);
  });

  it("refuses uploads that could run scripts", async () => {
    const token = await logIn(backend);
    const body = new TextEncoder().encode("<script>");
    const answer = await ask(backend, "POST", "/api/media?fileName=x.html", { token, body, type: "text/html" });
    assert.equal(answer.status, 400);
  });

  it("shows the pages that a new database is seeded with", async () => {
    const { status, body } = await ask(backend, "GET", "/api/pages/home");
    assert.equal(status, 200);
    assert.equal((body as { components: unknown[] }).components.length, 2);
    assert.equal((await ask(backend, "GET", "/api/pages/nowhere")).status, 404);
  });

  it("switches a feature off and on without a restart", async () => {
    const token = await logIn(backend);
    const flags = await ask(backend, "PUT", "/api/settings/feature-flags", { token, body: { emailMarketing: false } });
    assert.deepEqual(flags.body, { emailMarketing: false, chat: true, analytics: true });
    const created = await ask(backend, "POST", "/api/campaigns", {
      token,
      body: { subject: "No", body: "No.", recipients: ["one@example.com"] },
    });
    const { id } = created.body as { id: string };
    assert.equal((await ask(backend, "POST", `/api/campaigns/${id}/send`, { token })).status, 503);
    await ask(backend, "PUT", "/api/settings/feature-flags", { token, body: { emailMarketing: true } });
    assert.equal((await ask(backend, "POST", `/api/campaigns/${id}/send`, { token })).status, 202);
  });

  it("keeps the AI provider's setting", async () => {
    const token = await logIn(backend);
    const body = { global: { provider: "anthropic", model: "claude", enabled: true } };
    assert.equal((await ask(backend, "PUT", "/api/settings/ai", { token, body })).status, 200);
    assert.deepEqual((await ask(backend, "GET", "/api/settings/ai", { token })).body, body);
  });

  it("limits requests by address once told to, and never its probes", async () => {
    const token = await logIn(backend);
    const limit = (enabled: boolean) => ({ rateLimiting: { enabled, maxRequests: 5, windowMs: 60_000 } });
    await ask(backend, "PUT", "/api/settings/security", { token, body: limit(true) });
    try {
      const limited = await eventually("a request is refused", async () => {
        const response = await fetch(`${backend.url}/api/pages`);
        await response.body?.cancel();
        return response.status === 429 ? response : undefined;
      });
      assert.ok(Number(limited.headers.get("retry-after")) > 0);
      for (const path of ["/health", "/health/ready", "/version", "/metrics"]) {
        assert.equal((await ask(backend, "GET", path)).status, 200, path);
      }
    } finally {
      await database.query(`DELETE FROM "settings" WHERE "key" = 'security'`);
      // One answer may only mean that a new window has begun; as many as no window allows mean that nobody counts any more.
      await eventually("the limit is gone", async () => {
        for (let answers = 0; answers <= limit(true).rateLimiting.maxRequests; answers += 1) {
          if ((await ask(backend, "GET", "/api/pages")).status !== 200) return undefined;
        }
        return true;
      });
    }
  });

  it("carries chat messages from one user to another", async () => {
    const token = await logIn(backend);
    const [one, two] = [await joinChat(backend, token), await joinChat(backend, token)];
    one.socket.send(JSON.stringify({ event: "message", data: { text: "Anybody there?" } }));
    const message = await eventually("the message arrives", async () =>
      two.frames.find(({ event }) => event === "message"),
    );
    assert.partialDeepStrictEqual(message.data, { author: "Demo", text: "Anybody there?" });
    assert.deepEqual(two.frames[0], { event: "joined", data: [] });
    for (const { socket } of [one, two]) socket.close();
  });

  it("gives browsers a token that joins the chat and does nothing else", async () => {
    const { body } = await ask(backend, "POST", "/api/auth/chat-token", { token: await logIn(backend) });
    const { token } = body as { token: string };
    const { socket } = await joinChat(backend, token);
    socket.close();
    assert.equal((await ask(backend, "GET", "/api/auth/me", { token })).status, 401);
  });

  it("lets nobody into the chat without a token", async () => {
    const socket = new WebSocket(`${backend.url.replace("http", "ws")}/chat`);
    await once(socket, "open");
    socket.send(JSON.stringify({ event: "message", data: { text: "Hello" } }));
    const [frame] = (await once(socket, "message")) as [MessageEvent];
    assert.deepEqual(JSON.parse(String(frame.data)), { event: "refused", data: "Join first, then send text." });
    socket.close();
  });

  it("records page views", async () => {
    const body = { name: "page_view", properties: { slug: "home" } };
    assert.equal((await ask(backend, "POST", "/api/analytics/events", { body })).status, 202);
    const rows = await database.query(`SELECT "name", "properties" FROM "analytics_events"`);
    assert.deepEqual(rows, [body]);
  });

  it("says which release it is, by what is baked into the image", async () => {
    const { body } = await ask(backend, "GET", "/version");
    const [release] = await builtReleases();
    assert.deepEqual(body, { release: "release-1", digest: null, gitSha: release?.gitSha });
  });

  it("records its deployment and the migrations, once", async () => {
    const token = await logIn(backend);
    const deployments = await ask(backend, "GET", "/api/system/deployments", { token });
    assert.equal((deployments.body as unknown[]).length, 1);
    assert.partialDeepStrictEqual((deployments.body as object[])[0], { message: "Deployment completed: release-1" });
    const migrations = await ask(backend, "GET", "/api/system/migrations", { token });
    assert.deepEqual(
      (migrations.body as { message: string }[]).map(({ message }) => message),
      ["SeedContent1760000001000", "CreateSchema1760000000000"],
    );
  });

  it("measures requests by route, and its business", async () => {
    const { body } = await ask(backend, "GET", "/metrics");
    const metrics = String(body);
    assert.match(metrics, /http_requests_total\{method="GET",route="\/api\/pages\/:slug",status="200"\} \d+/);
    assert.match(
      metrics,
      /http_request_duration_seconds_bucket\{le="0\.1",method="POST",route="\/api\/tickets",status="201"\} \d+/,
    );
    assert.match(metrics, /ticket_created_total [1-9]/);
    assert.match(metrics, /bullmq_queue_waiting\{queue="email"\} 0/);
    assert.match(metrics, /database_connections_max 10/);
    assert.match(metrics, /affexai_release_info\{release="release-1",git_sha="[0-9a-f]{40}"\} 1/);
  });

  it("answers the sites that CORS_ORIGIN names and no others", async () => {
    const origin = async (name: string) =>
      (await fetch(`${backend.url}/api/pages`, { headers: { Origin: name } })).headers.get(
        "access-control-allow-origin",
      );
    assert.equal(await origin("http://affexai.localhost"), "http://affexai.localhost");
    assert.equal(await origin("http://elsewhere.example"), null);
  });
});
