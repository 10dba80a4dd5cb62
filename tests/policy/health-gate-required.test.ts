import assert from "node:assert/strict";
import { healthGateRequired } from "../../policy/health-gate-required.ts";
import { application, migration, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

const parts = "backend: health must say path, intervalSeconds, timeoutSeconds, retries, startPeriodSeconds.";

describe("health-gate-required", () => {
  it("allows a gate with a path of its own that gives its verdict in time", async () => {
    assert.deepEqual(await violations(healthGateRequired, application), []);
    assert.deepEqual(await violations(healthGateRequired, migration), []);
  });

  for (const [what, path, value, expected] of [
    ["no gate", "health", undefined, parts],
    ["a gate without a path", "health.path", undefined, parts],
    ["a gate that never fails", "health.retries", 0, parts],
    ["a path with a query", "health.path", "/ready?deep=1", parts],
    [
      "the site's first page as a gate",
      "health.path",
      "/",
      "backend: health.path must be a path of its own: any page answers on /.",
    ],
    [
      "a verdict that comes too late",
      "rolloutTimeoutSeconds",
      70,
      "backend: health must give its verdict before rolloutTimeoutSeconds has passed.",
    ],
    [
      "a rollout without an end",
      "rolloutTimeoutSeconds",
      undefined,
      "backend: rolloutTimeoutSeconds must be a number.",
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      assert.deepEqual(await violations(healthGateRequired, withProperty(application, path, value)), [expected]);
    });
  }

  for (const path of ["health", "health.path", "health.retries", "rolloutTimeoutSeconds"]) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(healthGateRequired, withProperty(application, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }
});
