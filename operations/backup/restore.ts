import type { Verb } from "../verb.ts";
import { databaseAccess, onDatabase } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { withLock } from "../database/lock.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { recoverDeadRuns } from "../database/recovery.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { dropDatabase, restoreBeside } from "./restore-beside.ts";
import { keptName, restoredName } from "./restored-names.ts";
import { BackupRestoreResult, BackupRestoreSpec } from "./spec.ts";
import { swapDatabases } from "./swap.ts";

/**
 * Restores a backup beside the database that serves, compares it with the manifest, and swaps the two by name. Everything written
 * since the backup is then only in the database that is kept. A dry run stops before the swap and leaves nothing behind.
 */
export const restoreBackup: Verb<typeof BackupRestoreSpec, typeof BackupRestoreResult> = {
  spec: BackupRestoreSpec,
  result: BackupRestoreResult,
  async run(spec, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    const store = backupStore(spec, context);
    const manifest = await store.find(spec.id);
    return withLock(access, async (run) => {
      const { journal, inheritance } = await recoverDeadRuns(run, access, context);
      await journal.begin({ run: run.id, database: access.database, verb: "backup restore", release: null });
      const target = restoredName(access.database, run.id);
      const began = performance.now();
      await journal.step("restore", { backup: manifest.id }, () =>
        restoreBeside(
          { access, applicationName: run.applicationName, store, manifest, target, timeoutMs: dumpLimitMs },
          context,
        ),
      );
      const restoreSeconds = seconds(began);
      const { rows } = summary(manifest);
      if (spec.dryRun) {
        await withConnection(
          onDatabase(access, operationsDatabase(access.database)),
          { applicationName: run.applicationName },
          (client) => dropDatabase(client, target),
        );
        await journal.end("tried");
        return { id: manifest.id, swapped: false, kept: null, rows, restoreSeconds, swapSeconds: null };
      }
      await run.assertHeld();
      const kept = keptName(access.database, run.id);
      const swapBegan = performance.now();
      await journal.step("swap", { kept }, () =>
        swapDatabases(run.client, { database: access.database, restored: target, kept }, context),
      );
      await journal.end("restored");
      // What a killed migration had left behind went away with the database that it was in.
      for (const dead of inheritance?.runs ?? []) await journal.end("abandoned", dead);
      return { id: manifest.id, swapped: true, kept, rows, restoreSeconds, swapSeconds: seconds(swapBegan) };
    });
  },
};

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000;
}
