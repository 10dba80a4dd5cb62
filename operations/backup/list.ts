import type { Verb } from "../verb.ts";
import { backupStore, type BackupStore } from "./backup-store.ts";
import { lastDrills } from "./drill-record.ts";
import { summary } from "./manifest.ts";
import { BackupListResult, BackupListSpec, type BackupReason } from "./spec.ts";

/** All complete backups of an environment, or of all environments in its bucket, newest first. */
export const listBackups: Verb<typeof BackupListSpec, typeof BackupListResult> = {
  spec: BackupListSpec,
  result: BackupListResult,
  async run(spec, context) {
    const own = backupStore(spec, context);
    const environments = spec.all === true ? await own.environments() : [spec.environment];
    const backups = await Promise.all(
      environments.map((environment) => backupsOf(backupStore({ ...spec, environment }, context), spec.reason)),
    );
    return { backups: backups.flat().sort((one, other) => other.id.localeCompare(one.id)) };
  },
};

async function backupsOf(store: BackupStore, reason: BackupReason | undefined) {
  const [{ manifests }, drills] = await Promise.all([store.catalogue(reason), lastDrills(store)]);
  return manifests.map((one) => ({ ...summary(one), drilledAt: drills.get(one.id) ?? null }));
}
