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
    ["hosts", undefined, "hosts must be given; replicas at least 1."],
    ["drain.drainSeconds", undefined, "drain.drainSeconds must be given; replicas at least 1."],
    ["stopGracePeriodSeconds", undefined, "stopGracePeriodSeconds must be given; replicas at least 1."],
    [
      "drain.readySeconds",
      2,
      "drain.readySeconds is 2, and the proxy may hear of the new container only after 2 s (its throttle) + 1 s (Docker's event) = 3 s. Set it to 3 or more.",
    ],
    [
      "drain.drainSeconds",
      1,
      "drain.drainSeconds is 1, and the proxy may send requests for 1 s (its check's interval) + 2 x 0.5 s (its timeout, for each container) = 2 s after readiness ends. Set it to 2 or more.",
    ],
    [
      "stopGracePeriodSeconds",
      14,
      "stopGracePeriodSeconds is 14, and Docker kills after it what needs 3 s (ready) + 10 s (drain) + 1 s (what still runs) + 1 s (to exit) = 15 s. Set it to 15 or more.",
    ],
    [
      "drain.longestRequestSeconds",
      60,
      "stopGracePeriodSeconds is 40, and Docker kills after it what needs 5 s (the last request comes) + 60 s (the longest that it may take) + 1 s (to exit) = 66 s. Set it to 66 or more.",
    ],
  ] as const) {
    it(`refuses ${path} = ${value ?? "nothing"}`, async () => {
      assert.deepEqual(await violations(rollingUpdatePossible, withProperty(application, path, value)), [
        `backend: ${expected}`,
      ]);
    });
  }

  it("asks of a worker, to which no proxy sends requests, only that it is not killed in its drain", async () => {
    const worker = withProperty(withProperty(application, "hosts", []), "drain.drainSeconds", 0);
    assert.deepEqual(await violations(rollingUpdatePossible, withProperty(worker, "drain.readySeconds", 0)), []);
    assert.equal(
      (await violations(rollingUpdatePossible, withProperty(worker, "stopGracePeriodSeconds", 4))).length,
      1,
    );
  });

  for (const path of ["replicas", "drain", "drain.readySeconds", "stopGracePeriodSeconds", "hosts"]) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(rollingUpdatePossible, withProperty(application, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }
});
