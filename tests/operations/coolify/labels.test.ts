import assert from "node:assert/strict";
import {
  definitionsIn,
  nextPriority,
  raised,
  routingName,
  traefikLabels,
  type Routing,
} from "../../../operations/coolify/labels.ts";

const routing: Routing = {
  environment: "production",
  name: "backend",
  hosts: ["api.affexai.com"],
  tls: false,
  port: 3001,
  healthPath: "/health/ready",
};

describe("Traefik labels", () => {
  it("route the hosts to one service with active checks and retries, and each replica by its header", () => {
    const name = routingName(routing);
    assert.deepEqual(traefikLabels(routing, { id: "1-0123456789ab", priority: 1000 }), [
      "traefik.enable=true",
      `traefik.http.routers.${name}.rule=(Host(\`api.affexai.com\`)) && !HeaderRegexp(\`X-Affexai-Replica\`, \`.\`)`,
      `traefik.http.routers.${name}.entrypoints=http`,
      `traefik.http.routers.${name}.service=${name}`,
      `traefik.http.routers.${name}.priority=1000`,
      `traefik.http.routers.${name}.middlewares=${name}-retry`,
      `traefik.http.routers.${name}-1-0123456789ab.rule=(Host(\`api.affexai.com\`)) && Header(\`X-Affexai-Replica\`, \`1-0123456789ab\`)`,
      `traefik.http.routers.${name}-1-0123456789ab.entrypoints=http`,
      `traefik.http.routers.${name}-1-0123456789ab.service=${name}-1-0123456789ab`,
      `traefik.http.routers.${name}-1-0123456789ab.priority=1001000`,
      `traefik.http.routers.${name}-1-0123456789ab.middlewares=${name}-retry`,
      `traefik.http.services.${name}.loadbalancer.server.port=3001`,
      `traefik.http.services.${name}.loadbalancer.healthcheck.path=/health/ready`,
      `traefik.http.services.${name}.loadbalancer.healthcheck.interval=1s`,
      `traefik.http.services.${name}.loadbalancer.healthcheck.timeout=500ms`,
      `traefik.http.services.${name}-1-0123456789ab.loadbalancer.server.port=3001`,
      `traefik.http.middlewares.${name}-retry.retry.attempts=10`,
      `traefik.http.middlewares.${name}-retry.retry.initialinterval=100ms`,
    ]);
  });

  it("carry the definition's hash in the name, so that unequal definitions never share one", () => {
    assert.match(routingName(routing), /^production-backend-[0-9a-f]{10}$/);
    for (const other of [{ port: 3002 }, { hosts: ["x.affexai.com"] }, { tls: true }, { healthPath: "/health" }]) {
      assert.notEqual(routingName({ ...routing, ...other }), routingName(routing), JSON.stringify(other));
    }
    assert.equal(routingName({ ...routing }), routingName(routing));
  });

  it("with TLS serve on https and redirect on http, without touching Coolify's own middleware names", () => {
    const labels = traefikLabels({ ...routing, tls: true }, { id: "1-0123456789ab", priority: 1000 });
    const name = routingName({ ...routing, tls: true });
    assert.ok(labels.includes(`traefik.http.routers.${name}.entrypoints=https`));
    assert.ok(labels.includes(`traefik.http.routers.${name}.tls.certresolver=letsencrypt`));
    assert.ok(labels.includes(`traefik.http.routers.${name}-plain.middlewares=${name}-https`));
    assert.ok(labels.includes(`traefik.http.middlewares.${name}-https.redirectscheme.scheme=https`));
    assert.deepEqual(
      labels.filter((label) => /middlewares\.(gzip|redirect-to-https)\./.test(label)),
      [],
    );
  });

  it("of a standby leave it to Docker when its routes end", () => {
    const labels = traefikLabels({ ...routing, standby: true }, { id: "1-0123456789ab", priority: 500_000 });
    assert.ok(!labels.some((label) => label.includes("healthcheck")));
    assert.notEqual(routingName({ ...routing, standby: true }), routingName(routing));
  });

  it("take an application without hosts out of routing", () => {
    assert.deepEqual(traefikLabels({ ...routing, hosts: [] }, { id: "1-0123456789ab", priority: 1000 }), [
      "traefik.enable=false",
    ]);
  });
});

describe("priority of a definition", () => {
  it("starts at 1000 where no labels are in place", () => {
    assert.equal(nextPriority(routing, []), 1000);
  });

  it("of a standby is above every application's and below that of a replica's own route", () => {
    assert.equal(nextPriority({ ...routing, standby: true }, []), 500_000);
  });

  it("stays while the definition stays", () => {
    assert.equal(nextPriority(routing, traefikLabels(routing, { id: "1-a", priority: 1007 })), 1007);
  });

  it("rises by one with a changed definition, past every router in place", () => {
    const labels = traefikLabels(routing, { id: "1-a", priority: 1007 });
    assert.equal(nextPriority({ ...routing, port: 3002 }, labels), 1008);
  });

  it("stays with TLS too, where two routers carry it", () => {
    const secure = { ...routing, tls: true };
    assert.equal(nextPriority(secure, traefikLabels(secure, { id: "1-a", priority: 1003 })), 1003);
  });

  it("goes above a changed definition when it comes back, under a name of its own", () => {
    const changed = { ...routing, port: 3002 };
    const inPlace = [
      ...traefikLabels(changed, { id: "1-a", priority: 1001 }),
      ...traefikLabels(routing, { id: "2-b", priority: 1000 }),
    ];
    assert.equal(nextPriority(routing, inPlace), 1002, "the one at 1000 would lose to the one that drains");
    assert.equal(nextPriority(changed, inPlace), 1001, "a rollout that died goes on");
    assert.equal(routingName(routing, 1002), `${routingName(routing)}-1002`);
    assert.equal(nextPriority(routing, traefikLabels(routing, { id: "1-a", priority: 1002 })), 1002);
  });

  it("goes above other applications on its hosts, and below a standby", () => {
    const neighbours = [
      ...traefikLabels({ ...routing, name: "old" }, { id: "1-a", priority: 1004 }),
      ...traefikLabels({ ...routing, name: "page", standby: true }, { id: "1-a", priority: 500_000 }),
    ];
    assert.equal(nextPriority(routing, [], neighbours), 1005);
    const inPlace = traefikLabels(routing, { id: "1-a", priority: 1000 });
    assert.equal(nextPriority(routing, inPlace, neighbours), 1000, "what serves is not moved by a neighbour");
  });
});

describe("labels that are raised", () => {
  for (const [what, given] of [
    ["of a first definition", routing],
    ["with TLS", { ...routing, tls: true }],
  ] as const) {
    it(`${what} mean the same under the names of their new priority`, () => {
      for (const priority of [1000, 1003]) {
        const labels = traefikLabels(given, { id: "1-a", priority });
        assert.deepEqual(raised(labels, 1007), traefikLabels(given, { id: "1-a", priority: 1007 }));
      }
    });
  }

  it("leave other routers alone", () => {
    const other = "traefik.http.routers.production-backend-assets-0123456789.priority=1000000";
    const labels = [...traefikLabels(routing, { id: "1-a", priority: 1000 }), other];
    assert.equal(raised(labels, 1007).at(-1), other);
    assert.deepEqual(definitionsIn(labels), [routingName(routing)]);
  });

  it("stay as they are without a router of ours", () => {
    assert.deepEqual(raised(["traefik.enable=false"], 1007), ["traefik.enable=false"]);
    assert.deepEqual(definitionsIn(["traefik.enable=false"]), []);
  });
});
