import type { Verb } from "../verb.ts";
import { databaseAccess } from "../database/access.ts";
import { Ledger } from "../release/ledger.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { BackupCreateSpec, BackupSummary } from "./spec.ts";
import { takeBackup } from "./take-backup.ts";

/** Takes a backup now. Dump, globals, manifest; the manifest last, with the release that was last verified. */
export const createBackup: Verb<typeof BackupCreateSpec, typeof BackupSummary> = {
  spec: BackupCreateSpec,
  result: BackupSummary,
  async run(spec, context) {
    const store = backupStore(spec, context);
    const ledger = new Ledger(store.storage, { bucket: spec.bucket, environment: spec.environment });
    const running = await ledger.lastKnownGood();
    const manifest = await takeBackup(
      {
        access: databaseAccess(context.env, "BACKUP_DATABASE_URL"),
        applicationName: "affexai-backup",
        store,
        reason: spec.reason,
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
