import assert from "node:assert/strict";
import type { Definitions, Router, Service } from "../../../sandbox/proxy/definition.ts";
import { merge } from "../../../sandbox/proxy/merge.ts";

const router: Router = {
  rule: "Host(`a.test`)",
  service: "a",
  entryPoints: [],
  middlewares: [],
  priority: 0,
  tls: null,
};
const service = (server: string, passHostHeader = true): Service => ({
  servers: [server],
  healthCheck: null,
  passHostHeader,
});
const container = (server: string, changed: Partial<Definitions> = {}): Definitions => ({
  routers: { a: router },
  services: { a: service(server) },
  middlewares: { again: { kind: "retry", attempts: 3, initialIntervalMs: 0 } },
  ...changed,
});

describe("containers' definitions", () => {
  it("are one where they are equal, with the servers of all", () => {
    const { definitions, conflicts } = merge([container("http://1"), container("http://2"), container("http://1")]);
    assert.deepEqual(definitions.services, { a: { ...service("http://1"), servers: ["http://1", "http://2"] } });
    assert.deepEqual(Object.keys(definitions.routers), ["a"]);
    assert.deepEqual(conflicts, []);
  });

  it("are all dropped where they are unequal, and only there", () => {
    const { definitions, conflicts } = merge([
      container("http://1"),
      container("http://2", { services: { a: service("http://2", false), b: service("http://2") } }),
      container("http://3"),
    ]);
    assert.deepEqual(Object.keys(definitions.services), ["b"]);
    assert.deepEqual(Object.keys(definitions.routers), ["a"]);
    assert.deepEqual(conflicts, ["Service a: defined multiple times with different configurations"]);
  });

  it("are dropped for routers and middlewares too", () => {
    const { definitions } = merge([
      container("http://1"),
      container("http://2", {
        routers: { a: { ...router, priority: 1 } },
        middlewares: { again: { kind: "retry", attempts: 4, initialIntervalMs: 0 } },
      }),
    ]);
    assert.deepEqual([definitions.routers, definitions.middlewares], [{}, {}]);
  });
});
