import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../../../operations/progress.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { pulumiOn, type Stage } from "../stage.ts";

/**
 * A record that says what `release create` finds in an image which turns TypeORM's synchronize on (the first release's, edited): the policy stops
 * it in the preview, before anything is touched.
 */
export async function synchronizeRefused(stage: Stage, progress: Progress): Promise<Claim> {
  const [first] = stage.releases;
  assert(first !== undefined);
  const record = JSON.parse(await readFile(first.file, "utf8")) as ReleaseRecord;
  const file = join(stage.folder, "synchronizing.json");
  await writeFile(
    file,
    JSON.stringify({ ...record, id: "synchronizing", typeorm: { ...record.typeorm, synchronize: true } }),
  );
  const run = await progress.step("pulumi preview of a record whose image synchronizes", (inner) =>
    pulumiOn(stage, ["preview", "--suppress-outputs", "--policy-pack", "policy"], file, inner),
  );
  return claim(
    "synchronize=true is refused by policy",
    { pulumiExitCode: run.exitCode, named: run.output.includes("no-synchronize") },
    ({ pulumiExitCode, named }) => {
      assert.notEqual(pulumiExitCode, 0, "the preview passed");
      assert.equal(named, true, run.output.slice(-3000));
    },
  );
}
