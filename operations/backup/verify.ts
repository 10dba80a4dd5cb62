import type { Verb } from "../verb.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { readBackupThrough } from "./read-backup.ts";
import { BackupVerifyResult, BackupVerifySpec } from "./spec.ts";

/** Reads a backup to its last byte. */
export const verifyBackup: Verb<typeof BackupVerifySpec, typeof BackupVerifyResult> = {
  spec: BackupVerifySpec,
  result: BackupVerifyResult,
  async run(spec, context) {
    const store = backupStore(spec, context);
    const manifest = await store.find(spec.id);
    const read = await context.progress.step(`read ${manifest.id}`, () =>
      readBackupThrough(store, manifest, dumpLimitMs, context),
    );
    return { ...summary(manifest), verified: true, read };
  },
};
