import assert from "node:assert/strict";
import { rollingUpdatePossible } from "../../policy/rolling-update-possible.ts";
import { application, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

describe("rolling-update-possible", () => {
  it("allows an application that drains before it stops", async () => {
    assert.deepEqual(await violations(rollingUpdatePossible, application), []);
  });

  for (const [path, value, expected] of [
    ["replicas", 0, "replicas must be given; replicas at least 1."],
    ["replicas", undefined, "replicas must be given; replicas at least 1."],
    ["drain", undefined, "drain must be given; replicas at least 1."],
    ["drain.drainSeconds", undefined, "drain.drainSeconds must be given; replicas at least 1."],
    ["stopGracePeriodSeconds", undefined, "stopGracePeriodSeconds must be given; replicas at least 1."],
    ["drain.readySeconds", 2, "drain.readySeconds must be at least 3."],
    ["drain.drainSeconds", 0, "drain.drainSeconds must be at least 1."],
    [
      "stopGracePeriodSeconds",
      13,
      "stopGracePeriodSeconds must be above drain.readySeconds + drain.drainSeconds: Docker kills after it.",
    ],
  ] as const) {
    it(`refuses ${path} = ${value ?? "nothing"}`, async () => {
      assert.deepEqual(await violations(rollingUpdatePossible, withProperty(application, path, value)), [
        `backend: ${expected}`,
      ]);
    });
  }

  for (const path of ["replicas", "drain", "drain.readySeconds", "stopGracePeriodSeconds"]) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(rollingUpdatePossible, withProperty(application, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }
});
