import type { Verb } from "../verb.ts";
import { databaseAccess } from "../database/access.ts";
import { refuseWhileLocked } from "../database/lock.ts";
import { Ledger } from "../release/ledger.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { BackupCreateSpec, BackupSummary } from "./spec.ts";
import { takeBackup } from "./take-backup.ts";

/**
 * Takes a backup now. Dump, globals, manifest; the manifest last, with the release that was last verified. Refused (LockHeld) while a run
 * changes the database.
 */
export const createBackup: Verb<typeof BackupCreateSpec, typeof BackupSummary> = {
  spec: BackupCreateSpec,
  result: BackupSummary,
  async run(spec, context) {
    const access = databaseAccess(context.env, "BACKUP_DATABASE_URL");
    // A dump locks every table against changes of its schema until it ends.
    await refuseWhileLocked(databaseAccess(context.env, "DATABASE_URL"), "affexai-backup");
    const store = backupStore(spec, context);
    const ledger = new Ledger(store.storage, { bucket: spec.bucket, environment: spec.environment });
    const running = await ledger.lastKnownGood();
    const manifest = await takeBackup(
      {
        access,
        applicationName: "affexai-backup",
        store,
        reason: spec.reason,
        lockDays: spec.lockDays,
        historyTable: spec.historyTable ?? "migrations",
        frozen: false,
        release: running?.record ?? null,
        timeoutMs: dumpLimitMs,
      },
      context,
    );
    return summary(manifest);
  },
};
