import assert from "node:assert/strict";
import { tryFault, type FaultName, type Kind, type Trial } from "../database/support/fault-trial.ts";

/** Some cells of docs/failure-table.md, which is the whole of it. */
const cells: readonly [kind: Kind, step: string, fault: FaultName, state: Trial["state"]][] = [
  ["well", "Expand1760000001000 ran", "backend killed", "migrated"],
  ["back", "restore ", "storage cut off", "as before"],
  ["back", "swap ", "server restarted", "as before"],
  ["entry", "let ", "backend killed", "migrated"],
  ["reverted", "revert ", "tool killed", "as before"],
  ["restore", "rename both", "supervisor killed", "as before"],
];

describe("a guarded migration or a restore that meets a fault", () => {
  for (const [kind, step, fault, state] of cells) {
    it(`(${kind}: ${fault} at "${step.trim()}") is settled by the next run, nothing lost and nobody frozen`, async () => {
      const trial = await tryFault(kind, step, fault);
      assert.equal(trial.state, state, JSON.stringify(trial));
      assert.deepEqual(trial.leftovers, []);
    });
  }
});
