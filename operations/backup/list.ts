import type { Verb } from "../verb.ts";
import { backupStore, type BackupStore } from "./backup-store.ts";
import { lastDrills } from "./drill-record.ts";
import { summary } from "./manifest.ts";
import { BackupListResult, BackupListSpec, type BackupReason } from "./spec.ts";

/** All backups of an environment, or of all environments in its bucket, newest first; and what should be one and cannot be read. */
export const listBackups: Verb<typeof BackupListSpec, typeof BackupListResult> = {
  spec: BackupListSpec,
  result: BackupListResult,
  async run(spec, context) {
    const own = backupStore(spec, context);
    const environments = spec.all === true ? await own.environments() : [spec.environment];
    const found = await Promise.all(
      environments.map((environment) => backupsOf(backupStore({ ...spec, environment }, context), spec.reason)),
    );
    return together(found);
  },
};

/** What several buckets hold, as one list. */
export function together(lists: readonly BackupListResult[]): BackupListResult {
  const newestFirst = <T extends { id: string }>(all: T[]) => all.sort((one, other) => other.id.localeCompare(one.id));
  return {
    backups: newestFirst(lists.flatMap(({ backups }) => backups)),
    unreadable: newestFirst(lists.flatMap(({ unreadable }) => unreadable)),
  };
}

async function backupsOf(store: BackupStore, reason: BackupReason | undefined): Promise<BackupListResult> {
  const [{ manifests, unreadable }, drills] = await Promise.all([store.catalogue(reason), lastDrills(store)]);
  return {
    backups: manifests.map((one) => ({
      ...summary(one),
      lastDrill: drills.get(one.id) ?? null,
      copyOf: one.anonymisedFrom?.environment ?? null,
    })),
    unreadable: unreadable.map((one) => ({
      ...{ id: one.id, reason: one.reason, why: one.why },
      environment: store.target.environment,
    })),
  };
}
