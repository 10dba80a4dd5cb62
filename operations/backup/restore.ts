import type { Verb } from "../verb.ts";
import type pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { withLock } from "../database/lock.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { recoverDeadRuns } from "../database/recovery.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { dropDatabase, restoreBeside, seconds } from "./restore-beside.ts";
import { assertRestorable } from "./restore-preflight.ts";
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
    await assertRestorable({ access, store, manifest }, context);
    return withLock(access, async (run) => {
      const { journal, inheritance } = await recoverDeadRuns(run, access, context);
      await journal.begin({ run: run.id, database: access.database, verb: "backup restore", release: null });
      const { applicationName } = run;
      const [target, kept] = [restoredName(access.database, run.id), keptName(access.database, run.id)];
      const began = performance.now();
      const restoring = { access, applicationName, store, manifest, target, local: spec.local, timeoutMs: dumpLimitMs };
      await journal
        .step("restore", { backup: manifest.id }, () => restoreBeside(restoring, context))
        .catch(async (error: unknown) => {
          if (await isGone(access, target, applicationName)) await journal.end("refused");
          throw error;
        });
      const restoreSeconds = seconds(performance.now() - began);
      const { rows } = summary(manifest);
      const restored = { id: manifest.id, rows, restoreSeconds };
      if (spec.dryRun) {
        await onOperations(access, applicationName, (client) => dropDatabase(client, target));
        await journal.end("tried");
        return { ...restored, swapped: false, kept: null, swapSeconds: null, lostSettings: [] };
      }
      await run.assertHeld();
      const swapBegan = performance.now();
      const { lostSettings } = await journal
        .step("swap", { kept }, () => swapDatabases(run.client, { access, restored: target, kept }, context))
        .catch(async (error: unknown) => {
          // The old one serves again. Without the run's lock, the next run cleans up.
          await onOperations(access, applicationName, (client) => dropDatabase(client, target));
          await journal.end("refused");
          throw error;
        });
      const swapSeconds = seconds(performance.now() - swapBegan);
      await journal.end("restored");
      // What a killed migration had left behind went away with the database that it was in.
      for (const dead of inheritance?.runs ?? []) await journal.end("abandoned", dead);
      return { ...restored, swapped: true, kept, swapSeconds, lostSettings: [...lostSettings] };
    });
  },
};

async function isGone(access: DatabaseAccess, target: string, applicationName: string): Promise<boolean> {
  return onOperations(access, applicationName, async (client) => {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [target]);
    return rowCount === 0;
  }).catch(() => false);
}

function onOperations<T>(access: DatabaseAccess, applicationName: string, work: (client: pg.Client) => Promise<T>) {
  return withConnection(onDatabase(access, operationsDatabase(access.database)), { applicationName }, work);
}
