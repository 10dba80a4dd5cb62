import assert from "node:assert/strict";
import { parseDuration } from "../../../sandbox/proxy/duration.ts";
import { containerLabels, parseLabels } from "../../../sandbox/proxy/labels.ts";

describe("labels of a container", () => {
  it("define routers, services and middlewares, with options in any case", () => {
    const parsed = parseLabels({
      "traefik.enable": "true",
      "traefik.http.routers.Shop.Rule": "Host(`shop.test`)",
      "traefik.http.routers.Shop.entryPoints": "http, https",
      "traefik.http.routers.Shop.middlewares": "again@docker",
      "traefik.http.routers.Shop.priority": "42",
      "traefik.http.middlewares.again.retry.attempts": "3",
      "traefik.http.middlewares.again.retry.initialInterval": "100ms",
      "traefik.http.services.shop.loadBalancer.server.port": "3000",
      "traefik.http.services.shop.loadbalancer.healthcheck.path": "/health/ready",
      "traefik.http.services.shop.loadbalancer.healthcheck.interval": "1s",
      "traefik.http.services.shop.loadbalancer.healthcheck.headers.X-Probe": "1",
      "coolify.managed": "true",
    });
    assert.deepEqual(parsed.routers, {
      Shop: {
        rule: "Host(`shop.test`)",
        service: "",
        entryPoints: ["http", "https"],
        middlewares: ["again@docker"],
        priority: 42,
        tls: null,
      },
    });
    assert.deepEqual(parsed.middlewares, { again: { kind: "retry", attempts: 3, initialIntervalMs: 100 } });
    assert.deepEqual(parsed.services, {
      shop: {
        port: "3000",
        scheme: "http",
        url: "",
        passHostHeader: true,
        healthCheck: {
          path: "/health/ready",
          intervalMs: 1000,
          unhealthyIntervalMs: 1000,
          timeoutMs: 5000,
          hostname: "",
          headers: { "x-probe": "1" },
          method: "GET",
          status: 0,
          port: 0,
          followRedirects: true,
        },
      },
    });
  });

  it("turn a router into one for TLS only", () => {
    const { routers } = parseLabels({
      "traefik.http.routers.a.tls": "true",
      "traefik.http.routers.b.tls.certresolver": "letsencrypt",
      "traefik.http.routers.c.tls": "false",
    });
    assert.deepEqual(
      Object.values(routers).map(({ tls }) => tls !== null),
      [true, true, false],
    );
  });

  it("leave a container out unless they enable it", () => {
    assert.equal(containerLabels({}).enabled, false);
    assert.deepEqual(containerLabels({ "Traefik.Enable": "1", "traefik.docker.network": "own" }), {
      enabled: true,
      network: "own",
    });
    assert.throws(() => containerLabels({ "traefik.enable": "yes" }), /ParseBool/);
  });

  for (const [label, value, problem] of [
    ["traefik.http.routers.a.unheard", "1", /field not found, node: unheard/],
    ["traefik.http.routers.a.priority", "high", /ParseInt/],
    ["traefik.http.unheard.a.b", "1", /field not found/],
    ["traefik.http.services.a.loadbalancer.sticky.cookie", "true", /field not found/],
    ["traefik.http.services.a.loadbalancer.healthcheck.interval", "soon", /invalid duration/],
    ["traefik.http.middlewares.a.ratelimit.average", "1", /ratelimit is not supported/],
    ["traefik.http.services.a.loadbalancer.strategy", "p2c", /p2c is not supported/],
  ] as const) {
    it(`are refused with ${label}=${value}`, () => {
      assert.throws(() => parseLabels({ [label]: value }), problem);
    });
  }

  it("have durations as Go writes them, or in seconds", () => {
    for (const [text, ms] of [
      ["1s", 1000],
      ["500ms", 500],
      ["1m30s", 90_000],
      ["1.5h", 5_400_000],
      ["10", 10_000],
      ["0", 0],
    ] as const) {
      assert.equal(parseDuration(text), ms, text);
    }
    assert.throws(() => parseDuration("1 s"), /invalid duration/);
  });
});
