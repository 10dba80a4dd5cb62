import type { Verb } from "../verb.ts";
import { backupStore } from "./backup-store.ts";
import { summary } from "./manifest.ts";
import { BackupListResult, BackupListSpec } from "./spec.ts";

/** All complete backups, newest first. */
export const listBackups: Verb<typeof BackupListSpec, typeof BackupListResult> = {
  spec: BackupListSpec,
  result: BackupListResult,
  async run(spec, context) {
    return { backups: (await backupStore(spec, context).manifests(spec.reason)).reverse().map(summary) };
  },
};
