import assert from "node:assert/strict";
import { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { applicationSpec } from "./application-spec.ts";

const canary = { holdSeconds: 60, metricsPath: "/metrics", maxErrorRatio: 0.01, maxLatencyRatio: 3, minRequests: 50 };

function problems(change: Partial<ApplicationSpec>): string[] {
  const { error } = ApplicationSpec.safeParse({ ...applicationSpec(), ...change });
  return error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
}

describe("the spec of an application", () => {
  it("is refused with everything in it that contradicts itself, and how to mend it", () => {
    assert.deepEqual(problems({ stopGracePeriodSeconds: 8, rolloutTimeoutSeconds: 30, canary, hosts: [] }), [
      "stopGracePeriodSeconds must be above drain.readySeconds + drain.drainSeconds (8), got 8: Docker kills what still drains. Raise it",
      "rolloutTimeoutSeconds must cover the health gate (start period + interval x retries = 31), got 30. Raise it, or lower health.retries",
      "canary.holdSeconds must be below rolloutTimeoutSeconds (30), got 60. Hold for less, or raise the limit",
      "canary must be null without hosts: a replica's metrics are asked for on its own route. Remove it",
    ]);
  });

  it("is fine at each of the limits", () => {
    assert.deepEqual(
      problems({ stopGracePeriodSeconds: 9, rolloutTimeoutSeconds: 31, canary: { ...canary, holdSeconds: 30 } }),
      [],
    );
  });

  it("holds no canary, and counts three answers, unless it says so", () => {
    const { gateAnswers, canary: none } = applicationSpec();
    assert.deepEqual([gateAnswers, none], [3, null]);
  });
});
