import assert from "node:assert/strict";
import { RolloutTrials, failuresIn, type FaultName, type Step, type Trial } from "./rollout-trial.ts";

/** Some rows of docs/rollout-faults.md, which is the whole of it. */
describe("a rollout of two replicas that meets a fault", function () {
  this.timeout(120_000);
  let trials: RolloutTrials;
  before(async () => {
    trials = await RolloutTrials.open();
  });
  after(() => trials.close());

  const losesNothing = ({ before, during, after, wrong }: Trial) =>
    assert.deepEqual(
      [...failuresIn("before", before), ...failuresIn("during", during), ...failuresIn("after", after), ...wrong],
      [],
    );

  const table: [FaultName, RegExp, "forward" | "back"][] = [
    ["connection cut after the deployment", /gave no answer/, "back"],
    ["somebody deploys the second replica meanwhile", /^went on$/, "forward"],
  ];
  for (const [fault, ending, way] of table) {
    it(`loses no request and converges: ${fault}`, async () => {
      const [old, next] = trials.releases;
      const trial = await trials.tryFault(fault);
      losesNothing(trial);
      assert.match(trial.first, ending);
      assert.deepEqual(trial.before.releases, [old]);
      assert.deepEqual(trial.during.releases.toSorted(), [old, next].toSorted());
      assert.deepEqual(trial.after.releases, [way === "back" ? old : next]);
    });
  }

  for (const [replica, step] of [
    [1, "deployment"],
    [2, "settings"],
  ] as [1 | 2, Step][]) {
    it(`loses no request and converges: kill -9 at replica ${replica}, ${step}`, async () => {
      const trial = await trials.tryKill(replica, step);
      losesNothing(trial);
      assert.equal(trial.first, "killed");
    });
  }
});
