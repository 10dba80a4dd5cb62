import { failAttemptOnError } from "../release/attempt.ts";
import { Ledger } from "../release/ledger.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { databaseAccess, type DatabaseAccess } from "../database/access.ts";
import { BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { GuardedMigration, historyTable } from "./guarded-migration.ts";
import { readHistory } from "../database/history.ts";
import { inImage, type RunScript } from "./image-runner.ts";
import { withLock, type Run } from "../database/lock.ts";
import { planMigration } from "./plan.ts";
import { preflight } from "./preflight.ts";
import { recoverDeadRuns } from "../database/recovery.ts";
import { MigrationResult, MigrationSpec } from "./spec.ts";
import { RetireResult } from "../database/spec.ts";

/**
 * The guarded migration of one release. In this order: lock; the remains of killed runs; preflight; the attempt in the ledger; freeze, if
 * the release declares maintenance; backup; the state before; migrate; the state after; the contracts of this release and of the one that
 * serves. A failure after the backup ends in `goBack`. Run again after a kill -9 at any point, it goes on from there.
 */
export const runMigration: Verb<typeof MigrationSpec, typeof MigrationResult> = {
  spec: MigrationSpec,
  result: MigrationResult,
  run: (spec, context) => guardedMigration(spec, context, inImage(spec, context)),
};

/** Destroys nothing: a schema is not undone by taking its migration out of the program. */
export const retireMigration: Verb<typeof MigrationSpec, typeof RetireResult> = {
  spec: MigrationSpec,
  result: RetireResult,
  async run(spec, { progress }) {
    progress.note(`the schema of ${spec.ledger.environment} and its backups are kept`);
    return { retired: true, kept: ["schema", "data", "backups"] };
  },
};

/** `runMigration`, with the way in which the script is run inside the image. */
export async function guardedMigration(
  spec: MigrationSpec,
  context: Context,
  script: RunScript,
): Promise<MigrationResult> {
  const access = {
    migrator: databaseAccess(context.env, "DATABASE_URL"),
    backup: databaseAccess(context.env, "BACKUP_DATABASE_URL"),
  };
  const storage = objectStorage(context.env);
  const ledger = new Ledger(storage, spec.ledger);
  return withLock(access.migrator, async (run) => {
    const recovered = await recoverDeadRuns(run, access.migrator, context);
    await context.progress.step("preflight", (progress) =>
      preflight(spec, access, run.applicationName, { ...context, progress }),
    );
    const running = (await ledger.lastKnownGood())?.record ?? null;
    const previous = (await ledger.lastKnownGood(spec.record.id))?.record ?? null;
    const history = await historyOf(spec, access.migrator, run);
    const explained = await explainedMigrations(ledger, spec.record, history);
    const plan = planMigration({ record: spec.record, history, explained, running });
    // Recorded before anything changes: whoever comes later has to know where the rows of the history came from.
    await ledger.putRelease(spec.record);
    const attempt = await ledger.joinAttempt(spec.stamp, "migration run");
    return failAttemptOnError(ledger, attempt, async () => {
      const migration = new GuardedMigration({
        spec,
        access,
        run,
        recovered,
        plan,
        running,
        previous,
        script,
        store: new BackupStore(storage, { bucket: spec.ledger.bucket, environment: spec.ledger.environment }),
      });
      return { attempt, ...(await migration.execute(context)) };
    });
  });
}

async function historyOf(spec: MigrationSpec, access: DatabaseAccess, run: Run): Promise<string[]> {
  return withConnection(access, { applicationName: run.applicationName }, async (client) =>
    (await readHistory(client, historyTable(spec))).map(({ name }) => name),
  );
}

/** Migrations of every release in the ledger; read only when the history holds some that this release does not have. */
async function explainedMigrations(
  ledger: Ledger,
  record: ReleaseRecord,
  history: readonly string[],
): Promise<Set<string>> {
  const own = new Set(record.migrations.map(({ name }) => name));
  const explained = new Set<string>();
  if (history.every((name) => own.has(name))) return explained;
  for (const id of await ledger.listReleases()) {
    for (const { name } of (await ledger.readRelease(id))?.migrations ?? []) explained.add(name);
  }
  return explained;
}
