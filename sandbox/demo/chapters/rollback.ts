import { execa } from "execa";
import type { Progress } from "../../../operations/progress.ts";
import { RollbackResult } from "../../../operations/release/rollback.ts";
import { programFolder } from "../../../operations/stack.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { loadFigures, noneLost, underLoad } from "../load.ts";
import { serving, type Stage } from "../stage.ts";
import { answerOf } from "./first-release.ts";

/** Right after a gated failure the last known good release is what runs: there is nothing to roll back, and it says so. */
export async function nothingToRollBack(stage: Stage, progress: Progress): Promise<Claim> {
  const [, second] = stage.releases;
  const result = await progress.step("affexai rollback after the gated release", () => rollback(stage, []));
  return claim(
    "after a gated failure there is nothing to roll back",
    { outcome: result.outcome, serves: await serving(stage.urls.backend, stage.signal) },
    ({ outcome, serves }) => {
      assert(second !== undefined);
      assert.equal(outcome, "nothing-to-roll-back");
      assert.equal(serves, answerOf(second.record, "backend"));
    },
  );
}

/** Back to the first release, on the schema of the third: its contract holds, so only the applications move. */
export async function goBack(stage: Stage, progress: Progress): Promise<Claim> {
  const [first] = stage.releases;
  assert(first !== undefined);
  const { result, load } = await underLoad(stage, () =>
    progress.step("affexai rollback --to release-1 under load", () => rollback(stage, ["--to", first.record.id])),
  );
  return claim(
    "a rollback goes back to the exact digests in under two minutes and loses no request",
    {
      outcome: result.outcome,
      secondsToVerifiedDigest: result.secondsToVerifiedDigest,
      secondsInAll: result.secondsInAll,
      backend: await serving(stage.urls.backend, stage.signal),
      frontend: await serving(stage.urls.frontend, stage.signal),
      ...loadFigures(load),
    },
    ({ outcome, secondsToVerifiedDigest, backend, frontend }) => {
      assert.equal(outcome, "rolled-back");
      assert.equal(backend, answerOf(first.record, "backend"));
      assert.equal(frontend, answerOf(first.record, "frontend"));
      assert(secondsToVerifiedDigest !== null && secondsToVerifiedDigest < 120);
      noneLost(load);
    },
  );
}

/** Runs the command that people run. */
async function rollback(stage: Stage, args: readonly string[]): Promise<RollbackResult> {
  const { stdout } = await execa(
    process.execPath,
    ["operations/cli.ts", "rollback", "--stack", stage.stack, "--json", ...args],
    { cwd: programFolder, env: { ...stage.env }, cancelSignal: stage.signal },
  );
  return RollbackResult.parse(JSON.parse(stdout));
}
