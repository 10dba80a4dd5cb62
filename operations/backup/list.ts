import type { Verb } from "../verb.ts";
import { backupStore } from "./backup-store.ts";
import { lastDrills } from "./drill-record.ts";
import { summary } from "./manifest.ts";
import { BackupListResult, BackupListSpec } from "./spec.ts";

/** All complete backups, newest first. */
export const listBackups: Verb<typeof BackupListSpec, typeof BackupListResult> = {
  spec: BackupListSpec,
  result: BackupListResult,
  async run(spec, context) {
    const store = backupStore(spec, context);
    const [manifests, drills] = await Promise.all([store.manifests(spec.reason), lastDrills(store)]);
    const backups = manifests.map((one) => ({ ...summary(one), drilledAt: drills.get(one.id) ?? null }));
    return { backups: backups.reverse() };
  },
};
