import type { DatabaseAccess } from "../database/access.ts";
import type { Run } from "../database/lock.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import { revertMigrations, type MigrationImage, type RunScript } from "./image-runner.ts";
import { defaultHistoryTable, type MigrationWork } from "./spec.ts";

/** How the runner's script is run in an image: `inImage` but for tests that have none. */
export type ScriptFor = (image: MigrationImage, context: Context) => RunScript;

/** An image that holds migrations which ran, and how they are taken back in it. */
export interface Downs {
  readonly record: ReleaseRecord;
  readonly work: MigrationWork;
  readonly script: RunScript;
}

/** Whether each of these migrations is one of the record's whose `down` a rehearsal has proven. */
export function allProven(names: readonly string[], record: ReleaseRecord): boolean {
  return names.every((name) => record.migrations.find((one) => one.name === name)?.downProven === true);
}

/** Runs the downs of the last migrations. `names` are in the order in which they ran. */
export async function revertInImage(
  { record, work, script }: Downs,
  names: readonly string[],
  { run, access }: { run: Run; access: DatabaseAccess },
  context: Context,
): Promise<void> {
  await run.assertHeld();
  await context.progress.step(`revert ${names.toReversed().join(", ")}`, (progress) =>
    revertMigrations(
      {
        source: work,
        access,
        runId: run.id,
        historyTable: work.historyTable ?? defaultHistoryTable,
        lockTimeoutMs: work.lockTimeoutSeconds * 1000,
        statementTimeoutMs: work.statementTimeoutSeconds * 1000,
        timeoutMs: (work.timeoutSeconds ?? 3600) * 1000,
        expected: record.migrations.map(({ name, sha256 }) => ({ name, sha256 })),
        // A down drops what its up made; what was there before is compared afterwards.
        protectedTables: [],
        allowedDeletes: {},
      },
      names.toReversed(),
      { ...context, progress },
      script,
    ),
  );
}
