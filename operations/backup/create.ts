import type { Verb } from "../verb.ts";
import { databaseAccess } from "../database/access.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { BackupCreateSpec, BackupSummary } from "./spec.ts";
import { takeBackup } from "./take-backup.ts";

/** Takes a backup now. Dump, globals, manifest; the manifest last. */
export const createBackup: Verb<typeof BackupCreateSpec, typeof BackupSummary> = {
  spec: BackupCreateSpec,
  result: BackupSummary,
  async run(spec, context) {
    const manifest = await takeBackup(
      {
        access: databaseAccess(context.env, "BACKUP_DATABASE_URL"),
        applicationName: "affexai-backup",
        store: backupStore(spec, context),
        reason: spec.reason,
        historyTable: spec.historyTable ?? "migrations",
        frozen: false,
        release: null,
        timeoutMs: dumpLimitMs,
      },
      context,
    );
    return summary(manifest);
  },
};
