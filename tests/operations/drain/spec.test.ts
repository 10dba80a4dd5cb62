import assert from "node:assert/strict";
import { drainProblems, drainVariables, type ReplicaEnd } from "../../../operations/drain/spec.ts";
import { deployed, environments } from "../../../stacks/environments.ts";

const end: ReplicaEnd = {
  drain: { readySeconds: 3, drainSeconds: 3 },
  stopGracePeriodSeconds: 20,
  replicas: 1,
  routed: true,
};

describe("the times of a replica's end", () => {
  it("are told the application so that it exits a second before it would be killed", () => {
    assert.deepEqual(drainVariables(end), {
      DRAIN_READY_SECONDS: "3",
      DRAIN_SECONDS: "3",
      DRAIN_LIMIT_SECONDS: "13",
    });
    assert.equal(drainVariables({ ...end, stopGracePeriodSeconds: 5 }).DRAIN_LIMIT_SECONDS, "1");
  });

  it("suit one another in every environment that is deployed", () => {
    for (const name of deployed) {
      const { drain, stopGracePeriodSeconds, replicas } = environments[name];
      assert.deepEqual(drainProblems({ drain, stopGracePeriodSeconds, replicas, routed: true }), [], name);
    }
  });

  // The least drain, and the least grace period with requests of 30 s: the proxy asks one container after another.
  for (const [replicas, drainSeconds, grace] of [
    [1, 2, 36],
    [2, 3, 37],
    [3, 4, 38],
    [4, 5, 39],
  ] as const) {
    it(`need ${drainSeconds} s of drain and ${grace} s of grace for ${replicas} replicas with requests of 30 s`, () => {
      const drain = { readySeconds: 3, drainSeconds, longestRequestSeconds: 30 };
      const least = { drain, stopGracePeriodSeconds: grace, replicas, routed: true };
      assert.deepEqual(drainProblems(least), []);
      assert.equal(drainProblems({ ...least, stopGracePeriodSeconds: grace - 1 }).length, 1);
      const shorter = { ...drain, drainSeconds: drainSeconds - 1 };
      assert.match(drainProblems({ ...least, drain: shorter }).join(), /^drain\.drainSeconds is/);
    });
  }

  it("are all reported at once", () => {
    const wrong = { ...end, drain: { readySeconds: 0, drainSeconds: 0 }, stopGracePeriodSeconds: 1 };
    assert.equal(drainProblems(wrong).length, 3);
  });
});
