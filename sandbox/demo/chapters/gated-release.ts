import type { Progress } from "../../../operations/progress.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { databaseState } from "../database-state.ts";
import { loadFigures, noneLost, underLoad } from "../load.ts";
import { pulumiOn, serving, upArguments, type Stage } from "../stage.ts";
import { answerOf } from "./first-release.ts";

/**
 * The third release never gets ready. Its migration only expands the schema, so it stays; the gate holds; the second release goes
 * on serving, with every row as it was.
 */
export async function gatedRelease(stage: Stage, progress: Progress): Promise<Claim> {
  const [, second, third] = stage.releases;
  assert(second !== undefined && third !== undefined);
  const before = await databaseState(stage, second.record, progress);
  const { result: up, load } = await underLoad(stage, () =>
    progress.step("pulumi up release-3, which never gets ready, under load", (inner) =>
      pulumiOn(stage, upArguments, third.file, inner),
    ),
  );
  const after = await databaseState(stage, second.record, progress);
  const newMigration = third.record.migrations.at(-1)?.name ?? "";
  return claim(
    "a release that never gets ready is held at the gate, and nobody notices",
    {
      pulumiExitCode: up.exitCode,
      seconds: Math.round(up.seconds),
      serves: await serving(stage.urls.backend, stage.signal),
      rowsChanged: before.rows !== after.rows,
      expandOnlySchemaStays: after.migrations.includes(newMigration),
      schemaReport: /The schema keeps .*?\./.exec(up.output)?.[0] ?? "none",
      ...loadFigures(load),
    },
    ({ pulumiExitCode, serves, rowsChanged, expandOnlySchemaStays, schemaReport }) => {
      assert.notEqual(pulumiExitCode, 0, "pulumi reported success for a release that never got ready");
      assert.match(up.output, /keeps serving sha256:/, "the report does not say what serves now");
      assert.equal(serves, answerOf(second.record, "backend"));
      assert.equal(rowsChanged, false);
      assert.equal(expandOnlySchemaStays, true);
      assert.equal(
        schemaReport,
        `The schema keeps ${newMigration}, whatever becomes of ${third.record.id}; ${second.record.id} runs on it.`,
      );
      noneLost(load);
    },
  );
}
