import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type ApplicationProcess, startApplication } from "./application-process.ts";
import { demoUser, startBackend } from "./backend-process.ts";
import { openEventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";
import { builtReleases, buildLimitMs, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Services, startServices } from "./services.ts";

describe("the workload's frontend", () => {
  let services: Services;
  let images: UnpackedImage[];
  let backend: ApplicationProcess;
  let frontend: ApplicationProcess;

  const startFrontend = async (changes: Readonly<Record<string, string>> = {}) => {
    const [image] = images;
    assert.ok(image);
    const started = await startApplication(image.root, ["apps/frontend/server/start.ts"], {
      BACKEND_URL: backend.url,
      PUBLIC_API_URL: "http://api.affexai.localhost:7300",
      AFFEXAI_IMAGE_DIGEST: `sha256:${"a".repeat(64)}`,
      // As Docker sets it: the name of the container, which is not what to listen on.
      HOSTNAME: "container-name",
      DRAIN_READY_SECONDS: "1",
      DRAIN_SECONDS: "1",
      ...changes,
    });
    await started.answers("/health", 200);
    return started;
  };
  const form = (path: string, fields: Record<string, string>, cookie = "") =>
    fetch(`${frontend.url}${path}`, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie },
      redirect: "manual",
    });
  const page = async (path: string, cookie = "") => {
    const response = await fetch(`${frontend.url}${path}`, { headers: { cookie } });
    return { status: response.status, html: await response.text() };
  };

  before(async function () {
    this.timeout(buildLimitMs);
    const [, second] = await builtReleases();
    assert.ok(second);
    services = await startServices();
    const [backendImage, frontendImage] = await Promise.all([unpack(second, "backend"), unpack(second, "frontend")]);
    images = [frontendImage, backendImage];
    const database = await services.createDatabase("frontend");
    await migrate(backendImage, database.migratorUrl);
    await database.query(
      `UPDATE "pages" SET "seo_metadata" = '{"description": "Support software"}' WHERE "slug" = 'about'`,
    );
    backend = await startBackend(backendImage, services, database);
    await backend.answers("/health/ready", 200);
    frontend = await startFrontend();
  });
  after(async () => {
    for (const each of [frontend, backend]) await each.kill();
    await services.close();
    for (const image of images) await image.remove();
  });

  it("renders CMS pages of the backend, with what release 2 added to them", async () => {
    const home = await page("/");
    assert.equal(home.status, 200);
    assert.match(home.html, /<h1>Affexai<\/h1>.*<h2>Support that answers<\/h2>/);
    const about = await page("/about");
    assert.match(about.html, /<meta name="description" content="Support software"\/>/);
    assert.match(about.html, /<title>About us<\/title>/);
    assert.equal((await page("/nowhere")).status, 404);
  });

  it("opens a ticket by a form that needs no script", async () => {
    const answer = await form("/tickets/create", {
      subject: "From the form",
      email: "customer@example.com",
      body: "Hello.",
      priority: "low",
    });
    assert.equal(answer.status, 303);
    const location = answer.headers.get("location") ?? "";
    assert.match(location, /^\/tickets\?created=[0-9a-f-]{36}$/);
    assert.match((await page(location)).html, /Your ticket is/);
    const refused = await form("/tickets/create", { subject: "" });
    assert.equal(refused.headers.get("location"), "/tickets?failed=1");
  });

  it("logs in with a cookie that scripts cannot read, shows the tickets, and logs out", async () => {
    const answer = await form("/session", demoUser);
    assert.equal(answer.headers.get("location"), "/tickets");
    const [cookie = ""] = answer.headers.getSetCookie();
    assert.match(cookie, /^session=[^;]+;.*HttpOnly.*SameSite=strict/i);
    const session = cookie.split(";")[0] ?? "";
    assert.match((await page("/tickets", session)).html, /From the form/);
    assert.ok(!(await page("/tickets")).html.includes("From the form"));
    assert.equal((await form("/session/end", {}, session)).status, 303);
    assert.ok(!(await page("/tickets", session)).html.includes("From the form"));
  });

  it("says which release it is", async () => {
    const [, second] = await builtReleases();
    const answer = await frontend.answers("/version", 200);
    assert.deepEqual(await answer.json(), {
      release: "release-2",
      digest: `sha256:${"a".repeat(64)}`,
      gitSha: second?.gitSha,
    });
  });

  it("reports that the backend is away, and stays healthy", async () => {
    const lonely = await startFrontend({ BACKEND_URL: "http://127.0.0.1:9" });
    const state = await eventually("the backend is judged", async () => {
      const response = await fetch(`${lonely.url}/health`);
      const body = (await response.json()) as { backend: string };
      return body.backend === "down" ? { status: response.status, body } : undefined;
    });
    await lonely.kill();
    assert.deepEqual(state, { status: 200, body: { status: "ok", phase: "serving", backend: "down" } });
    assert.partialDeepStrictEqual(await (await frontend.answers("/health", 200)).json(), { status: "ok" });
  });

  it("drains as the backend does: ready, unready with closing connections, listening until it exits 0", async () => {
    const draining = await startFrontend({ DRAIN_READY_SECONDS: "2", DRAIN_SECONDS: "2" });
    const seen: { at: number; status: number; connection: string | undefined; page: number }[] = [];
    const asked = performance.now();
    draining.child.kill("SIGTERM");
    const ended = await eventually(
      "the process ends",
      async () => {
        const agent = new Agent({ keepAlive: true });
        try {
          const health = await answerOn(agent, `${draining.url}/health`);
          const at = performance.now() - asked;
          const about = await answerOn(agent, `${draining.url}/about`);
          seen.push({
            at,
            status: health.statusCode ?? 0,
            connection: health.headers.connection,
            page: about.statusCode ?? 0,
          });
          return undefined;
        } catch {
          return await draining.ended;
        } finally {
          agent.destroy();
        }
      },
      20_000,
      20,
    );
    assert.equal(ended, 0, draining.output());
    const ready = seen.filter(({ status }) => status === 200);
    const unready = seen.filter(({ status }) => status === 503);
    assert.equal(ready.length + unready.length, seen.length);
    assert.ok((ready.at(-1)?.at ?? 0) > 1_500 && (unready.at(-1)?.at ?? 0) > 3_500, JSON.stringify(seen));
    for (const { connection } of ready) assert.equal(connection, "keep-alive");
    for (const { connection } of unready) assert.equal(connection, "close");
    for (const each of seen) assert.equal(each.page, 200);
  });

  it("finishes a page that streams, and serves new requests meanwhile", async () => {
    const slowBackend = createServer((request, response) => {
      if (request.url === "/api/tickets") setTimeout(() => response.end("[]"), 3_500);
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await once(slowBackend, "listening");
    const { port } = slowBackend.address() as AddressInfo;
    const streaming = await startFrontend({ BACKEND_URL: `http://127.0.0.1:${port}`, DRAIN_LIMIT_SECONDS: "10" });
    const stream = await openEventStream(`${streaming.url}/tickets`, { cookie: "session=token" });
    await eventually("the form is there", async () => (stream.text().includes("Open a ticket") ? true : undefined));
    streaming.child.kill("SIGTERM");
    await eventually("the process is draining", async () => {
      const { status, headers } = await fetch(`${streaming.url}/health`);
      return status === 503 && headers.get("connection") === "close" ? true : undefined;
    });
    assert.equal((await fetch(`${streaming.url}/login`)).status, 200);
    assert.ok(!stream.text().includes("</html>"), "the page is not finished yet");
    assert.equal(await stream.ended, "end");
    assert.match(stream.text(), /<ul><\/ul>.*<\/html>$/s);
    assert.equal(await streaming.ended, 0);
    slowBackend.close();
  });

  it("is told its addresses when it starts: one build shows those of any environment, and holds none", async () => {
    const environments = ["https://staging-api.affexai.com", "https://api.affexai.com"];
    for (const address of environments) {
      const started = await startFrontend({ PUBLIC_API_URL: address });
      const html = await (await started.answers("/about", 200)).text();
      await started.kill();
      assert.deepEqual([...new Set(html.match(/https:\/\/[a-z-]*api\.affexai\.com/g))], [address]);
    }
    const [image] = images;
    assert.ok(image);
    const site = join(image.root, "apps/frontend");
    const files = await readdir(site, { recursive: true, withFileTypes: true });
    const read = files.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name)));
    const built = await Promise.all(read);
    assert.ok(built.length > 50, `only ${built.length} files`);
    for (const text of built) {
      for (const address of environments) assert.ok(!text.includes(address));
      assert.ok(!text.includes("NEXT_PUBLIC_"));
    }
  });

  it("asks for its own build's files by the build's id", async () => {
    const [image] = images;
    assert.ok(image);
    const id = await readFile(join(image.root, "apps/frontend/.next/BUILD_ID"), "utf8");
    for (const path of ["/", "/login", "/nowhere"]) {
      const { html } = await page(path);
      const files = [...html.matchAll(/(?:src|href)="(\/_next\/static\/[^"]+)"/g)].map(([, file]) => file ?? "");
      assert.ok(files.length > 3, path);
      for (const file of files) {
        assert.ok(file.endsWith(`?dpl=${id}`), file);
        assert.equal((await fetch(`${frontend.url}${file}`)).status, 200, file);
      }
    }
  });

  it("ends at once on the first signal with both times 0", async () => {
    const abrupt = await startFrontend({ DRAIN_READY_SECONDS: "0", DRAIN_SECONDS: "0" });
    const asked = performance.now();
    abrupt.child.kill("SIGTERM");
    assert.equal(await abrupt.ended, 0);
    assert.ok(performance.now() - asked < 500);
  });

  it("keeps idle connections longer than the 90 s for which the proxy does", async () => {
    const agent = new Agent({ keepAlive: true });
    const response = await answerOn(agent, `${frontend.url}/health`);
    agent.destroy();
    assert.equal(response.headers["keep-alive"], "timeout=95");
  });
});

async function answerOn(agent: Agent, url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}
