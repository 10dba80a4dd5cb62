import type { Progress } from "../../../operations/progress.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { loadFigures, noneLost, underLoad } from "../load.ts";
import { pulumiOn, serving, upArguments, type Stage } from "../stage.ts";
import { answerOf } from "./first-release.ts";

/** The second release under constant load: users must not notice. */
export async function goodRelease(stage: Stage, progress: Progress): Promise<Claim> {
  const [, second] = stage.releases;
  assert(second !== undefined);
  const { result: up, load } = await underLoad(stage, () =>
    progress.step("pulumi up release-2 under load", (inner) => pulumiOn(stage, upArguments, second.file, inner)),
  );
  return claim(
    "a release under load loses no request",
    {
      pulumiExitCode: up.exitCode,
      seconds: Math.round(up.seconds),
      backend: await serving(stage.urls.backend, stage.signal),
      ...loadFigures(load),
    },
    ({ pulumiExitCode, backend }) => {
      assert.equal(pulumiExitCode, 0, up.output.slice(-4000));
      assert.equal(backend, answerOf(second.record, "backend"));
      noneLost(load);
    },
  );
}
