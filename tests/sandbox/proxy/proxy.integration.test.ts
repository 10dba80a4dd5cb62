import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingHttpHeaders } from "node:http";
import { until } from "../containers/fixture.ts";
import { healthy, openProcesses, run, site, type Platform } from "./fixture.ts";
import { implementations, noTraefik, type Router } from "./router.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What the application echoed, if that was it. */
  readonly echo: { name: string; method: string; url: string; headers: Record<string, string>; body: string };
}

for (const [name, start] of Object.entries(implementations)) {
  describe(`routing by labels: ${name}`, () => {
    let platform: Platform;
    let router: Router;

    beforeEach(async function () {
      if (start === null) {
        console.log(`      ${noTraefik}`);
        return this.skip();
      }
      platform = await openProcesses();
      router = await start(platform.address);
    });
    afterEach(async () => {
      if (start === null) return;
      await router.close();
      await platform.remove();
    });

    function ask(
      host: string,
      path = "/",
      options: { method?: string; headers?: Record<string, string>; body?: string } = {},
    ): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const asked = request(
          {
            host: "127.0.0.1",
            port: router.port,
            path,
            method: options.method ?? "GET",
            headers: { host, ...options.headers },
            agent: false,
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.once("error", reject);
            response.once("end", () => {
              const text = Buffer.concat(chunks).toString("utf8");
              const echo = (text.startsWith("{") ? JSON.parse(text) : {}) as Answer["echo"];
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text, echo });
            });
          },
        );
        asked.once("error", reject);
        asked.end(options.body);
      });
    }

    const names = async (host: string, path = "/") => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask(host, path)));
      return [...new Set(answers.map(({ echo, status }) => (status === 200 ? echo.name : `${status}`)))].sort();
    };
    const routers = (...wanted: string[]) =>
      until(`the routers ${wanted.join(", ")}`, async () => (await router.routers()).join() === wanted.sort().join());
    const servers = (service: string, count: number) =>
      until(`${count} servers of ${service}`, async () => Object.keys(await router.servers(service)).length === count);

    it("finds a router by host, path prefix, header and method, and answers 404 otherwise", async () => {
      await run(platform, "api", site("api", "api.test"));
      await run(platform, "docs", site("docs", "", { rule: "Host(`api.test`) && PathPrefix(`/docs`)" }));
      await run(platform, "canary", site("canary", "", { rule: "Host(`api.test`) && Header(`X-Replica`, `canary`)" }));
      await run(
        platform,
        "rest",
        site("rest", "", { rule: "(Host(`a.test`) || Host(`b.test`)) && !Method(`POST`) && Path(`/only`)" }),
      );
      await routers("api", "docs", "canary", "rest");
      assert.deepEqual(await names("api.test"), ["api"]);
      assert.deepEqual(await names("API.test:80"), ["api"]);
      assert.deepEqual(await names("api.test", "/docs/page?q=1"), ["docs"]);
      assert.equal((await ask("api.test", "/x", { headers: { "x-replica": "canary" } })).echo.name, "canary");
      assert.equal((await ask("b.test", "/only")).echo.name, "rest");
      for (const answer of [
        await ask("b.test", "/only", { method: "POST" }),
        await ask("b.test", "/other"),
        await ask("nobody.test"),
      ]) {
        assert.equal(answer.status, 404);
        assert.equal(answer.text, "404 page not found\n");
        assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
      }
    });

    it("prefers the higher priority, and else the longer rule", async () => {
      await run(platform, "long", site("long", "", { rule: "Host(`a.test`) && PathPrefix(`/`)" }));
      await run(platform, "short", site("short", "a.test"));
      await routers("long", "short");
      assert.deepEqual(await names("a.test"), ["long"]);
      await run(platform, "first", site("first", "a.test", { priority: 1000 }));
      await routers("long", "short", "first");
      assert.deepEqual(await names("a.test"), ["first"]);
    });

    it("merges containers with equal definitions into one service, and takes one out when it dies", async () => {
      await run(platform, "one", site("shop", "shop.test"));
      const two = await run(platform, "two", site("shop", "shop.test"));
      await servers("shop", 2);
      assert.deepEqual(await names("shop.test"), ["one", "two"]);
      await two.stop();
      await servers("shop", 1);
      assert.deepEqual(await names("shop.test"), ["one"]);
    });

    it("drops every definition of a name that is defined unequally: 404", async () => {
      await run(platform, "one", site("shop", "shop.test", { check: "1s" }));
      await servers("shop", 1);
      const other = await run(platform, "other", site("shop", "shop.test", { check: "2s" }));
      await until("404", async () => (await ask("shop.test")).status === 404);
      await other.stop();
      await until("the route again", async () => (await ask("shop.test")).status === 200);
      const unequalRouter = await run(platform, "router", site("shop", "shop.test", { check: "1s", priority: 7 }));
      await until("404", async () => (await ask("shop.test")).status === 404);
      await unequalRouter.remove({ force: true });
      await until("the route again", async () => (await ask("shop.test")).status === 200);
    });

    it("leaves out a container that Docker calls starting or unhealthy, also when none is left", async () => {
      const container = await run(platform, "app", site("app", "app.test"), { env: ["SICK=1"], healthSeconds: 0.2 });
      await run(platform, "marker", site("marker", "marker.test"));
      await routers("marker");
      assert.equal((await ask("app.test")).status, 404);
      const { NetworkSettings } = await container.inspect();
      const direct = `http://${NetworkSettings.Networks["coolify"]?.IPAddress ?? ""}:3000`;
      await fetch(`${direct}/well`);
      await healthy(container);
      await routers("app", "marker");
      assert.equal((await ask("app.test")).status, 200);
      await fetch(`${direct}/sick`);
      await until("404", async () => (await ask("app.test")).status === 404);
    });

    it("asks servers for their health, answers 503 without a healthy one, and takes them back", async () => {
      await run(platform, "one", site("app", "app.test", { check: "200ms" }));
      await run(platform, "two", site("app", "app.test", { check: "200ms" }));
      await servers("app", 2);
      await ask("app.test", "/sick");
      const up = (count: number) =>
        until(
          `${count} servers up`,
          async () => Object.values(await router.servers("app")).filter((status) => status === "UP").length === count,
        );
      await up(1);
      const [left] = await names("app.test");
      assert.deepEqual(await names("app.test"), [left]);
      await ask("app.test", "/sick");
      await up(0);
      const answer = await ask("app.test");
      assert.equal(answer.status, 503);
      assert.equal(answer.text, "no available server\n");
      const { NetworkSettings } = await platform.docker.getContainer("one").inspect();
      await fetch(`http://${NetworkSettings.Networks["coolify"]?.IPAddress ?? ""}:3000/well`);
      await up(1);
      assert.deepEqual(await names("app.test"), ["one"]);
    });

    it("answers 502 where nothing listens, and repeats such requests with the retry middleware, bodies included", async () => {
      for (const [service, retry] of [
        ["plain", false],
        ["again", true],
      ] as const) {
        await run(platform, `${service}-good`, site(service, `${service}.test`, { retry }));
        await run(platform, `${service}-deaf`, site(service, `${service}.test`, { retry }), { env: ["DEAF=1"] });
      }
      await servers("plain", 2);
      await servers("again", 2);
      assert.deepEqual(await names("plain.test"), ["502", "plain-good"]);
      const failed = await until("a 502", async () => {
        const answer = await ask("plain.test");
        return answer.status === 502 && answer;
      });
      assert.equal(failed.text, "Bad Gateway");
      for (let index = 0; index < 6; index += 1) {
        const { status, echo } = await ask("again.test", "/", { method: "POST", body: `body ${index}` });
        assert.deepEqual([status, echo.name, echo.body], [200, "again-good", `body ${index}`]);
      }
    });

    it("does not repeat what a server has seen", async () => {
      await run(platform, "app", site("app", "app.test", { retry: true }));
      await routers("app");
      assert.equal((await ask("app.test", "/break", { method: "POST", body: "x" })).status, 502);
      assert.equal((await ask("app.test", "/break")).status, 502);
      await assert.rejects(ask("app.test", "/cut"), { code: "ECONNRESET" });
    });

    it("tells a server where a request came from, and lets no client tell it", async () => {
      await run(platform, "app", site("app", "app.test"));
      await routers("app");
      const { echo } = await ask("app.test:7300", "/path?a=1&b=%20", {
        headers: {
          "x-forwarded-for": "6.6.6.6",
          "x-forwarded-proto": "https",
          "x-real-ip": "6.6.6.6",
          "x-own": "kept",
          connection: "x-drop",
          "x-drop": "1",
        },
      });
      assert.equal(echo.url, "/path?a=1&b=%20");
      const { headers } = echo;
      assert.equal(headers["host"], "app.test:7300");
      assert.equal(headers["x-forwarded-for"], "127.0.0.1");
      assert.equal(headers["x-real-ip"], "127.0.0.1");
      assert.equal(headers["x-forwarded-host"], "app.test:7300");
      assert.equal(headers["x-forwarded-port"], "7300");
      assert.equal(headers["x-forwarded-proto"], "http");
      assert.equal(headers["x-own"], "kept");
      assert.equal(headers["x-drop"], undefined);
    });

    it("passes on a switch of protocols, and both directions after it", async () => {
      await run(platform, "app", site("app", "app.test"));
      await routers("app");
      const asked = request({
        host: "127.0.0.1",
        port: router.port,
        headers: { host: "app.test", connection: "Upgrade", upgrade: "websocket" },
      });
      asked.end();
      const [answer, socket] = (await once(asked, "upgrade")) as [
        { statusCode: number },
        NodeJS.ReadWriteStream & { destroy(): void },
      ];
      assert.equal(answer.statusCode, 101);
      for (const word of ["hello", "again"]) {
        socket.write(word);
        const [chunk] = (await once(socket, "data")) as [Buffer];
        assert.equal(chunk.toString("utf8"), `app:${word}`);
      }
      socket.destroy();
    });

    it("passes on a stream as it comes", async () => {
      await run(platform, "app", site("app", "app.test"));
      await routers("app");
      const asked = request({ host: "127.0.0.1", port: router.port, path: "/stream", headers: { host: "app.test" } });
      asked.end();
      const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
      const times: number[] = [];
      response.on("data", () => times.push(Date.now()));
      await once(response, "end");
      assert.equal(times.length, 3);
      assert.ok((times[2] ?? 0) - (times[0] ?? 0) >= 300, times.join(", "));
    });

    it("runs middlewares in their order", async () => {
      await run(platform, "app", {
        ...site("app", "app.test"),
        "http.routers.app.rule": "Host(`app.test`)",
        "http.routers.app.middlewares": "strip,stamp,squeeze",
        "http.middlewares.strip.stripprefix.prefixes": "/api",
        "http.middlewares.stamp.headers.customrequestheaders.X-Stamped": "yes",
        "http.middlewares.stamp.headers.customresponseheaders.X-Robots-Tag": "noindex",
        "http.middlewares.squeeze.compress": "true",
        "http.routers.secure.rule": "Host(`secure.test`)",
        "http.routers.secure.service": "app",
        "http.routers.secure.middlewares": "to-https",
        "http.middlewares.to-https.redirectscheme.scheme": "https",
        "http.middlewares.to-https.redirectscheme.permanent": "true",
      });
      await routers("app", "secure");
      const { echo, headers } = await ask("app.test", "/api/users?x=1");
      assert.equal(echo.url, "/users?x=1");
      assert.equal(echo.headers["x-forwarded-prefix"], "/api");
      assert.equal(echo.headers["x-stamped"], "yes");
      assert.equal(headers["x-robots-tag"], "noindex");
      const large = await ask("app.test", "/large", { headers: { "accept-encoding": "gzip" } });
      assert.equal(large.headers["content-encoding"], "gzip");
      assert.ok(large.text.length < 10_000);
      assert.equal((await ask("app.test", "/large")).headers["content-encoding"], undefined);
      const { status, headers: moved } = await ask("secure.test:7300", "/a?b=c");
      assert.deepEqual([status, moved.location], [301, "https://secure.test/a?b=c"]);
    });

    it("gives no route to a router whose service, middleware or rule is not there", async () => {
      await run(platform, "app", {
        ...site("app", "app.test"),
        "http.routers.lost.rule": "Host(`lost.test`)",
        "http.routers.lost.service": "absent",
        "http.routers.bare.rule": "Host(`bare.test`)",
        "http.routers.bare.service": "app",
        "http.routers.bare.middlewares": "absent",
        "http.routers.broken.rule": "Host(`broken.test`",
        "http.routers.broken.service": "app",
        "http.routers.elsewhere.rule": "Host(`elsewhere.test`)",
        "http.routers.elsewhere.service": "app",
        "http.routers.elsewhere.entrypoints": "https",
        "http.routers.encrypted.rule": "Host(`encrypted.test`)",
        "http.routers.encrypted.service": "app",
        "http.routers.encrypted.tls": "true",
      });
      await until("the route", async () => (await ask("app.test")).status === 200);
      for (const host of ["lost.test", "bare.test", "broken.test", "elsewhere.test", "encrypted.test"]) {
        assert.equal((await ask(host)).status, 404, host);
      }
    });

    it("gives no route to a container that is not enabled, or whose labels cannot be read", async () => {
      await run(platform, "off", { ...site("off", "off.test"), enable: "false" });
      await run(platform, "odd", { ...site("odd", "odd.test"), "http.routers.odd.unheard": "1" });
      await run(platform, "marker", site("marker", "marker.test"));
      await routers("marker");
      assert.equal((await ask("off.test")).status, 404);
      assert.equal((await ask("odd.test")).status, 404);
    });

    it("applies changes at most every two seconds, the first at once", async () => {
      await run(platform, "zero", site("zero", "zero.test"));
      await routers("zero");
      // A pause as long as the throttle, measured by the proxy's own clock: the next change is a first one again.
      await run(platform, "one", site("one", "one.test"));
      await routers("one", "zero");
      const applied = Date.now();
      await run(platform, "two", site("two", "two.test"));
      await routers("one", "two", "zero");
      const gap = Date.now() - applied;
      assert.ok(gap > 1500 && gap < 3500, `${gap} ms`);
    });
  });
}
