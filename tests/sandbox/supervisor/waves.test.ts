import assert from "node:assert/strict";
import type { Service } from "../../../sandbox/supervisor/service-process.ts";
import { waves } from "../../../sandbox/supervisor/supervise.ts";

describe("the order of the sandbox's services", () => {
  const service = (name: string, ...after: string[]): Service => ({
    name,
    after,
    program: ["none"],
    options: {},
    url: "none",
    log: "none",
  });
  const names = (services: readonly Service[]) => waves(services).map((wave) => wave.map(({ name }) => name));

  it("puts each service after all those it waits for", () => {
    assert.deepEqual(names([service("c", "a", "b"), service("b", "a"), service("a"), service("d")]), [
      ["a", "d"],
      ["b"],
      ["c"],
    ]);
  });

  it("refuses a circle and an unknown name", () => {
    assert.throws(() => waves([service("a", "b"), service("b", "a")]), /wait for each other or for unknown ones: a, b/);
    assert.throws(() => waves([service("a", "z")]), /unknown ones: a/);
  });
});
