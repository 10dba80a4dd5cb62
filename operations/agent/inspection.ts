import { backupStore } from "../backup/backup-store.ts";
import { readDrills } from "../backup/drill-record.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { BackupDrillResult } from "../backup/spec.ts";
import { databaseAccess, onDatabase } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { readFreezes, type Freeze } from "../database/freeze.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { Journal, type JournalRun } from "../journal.ts";
import type { Context } from "../verb.ts";
import type { AgentSettings } from "./settings.ts";

/** What the bucket holds: complete backups and proven ones, oldest first. */
export interface BucketContent {
  readonly backups: readonly Pick<Manifest, "id" | "reason" | "startedAt" | "takenAt" | "finishedAt" | "dump">[];
  readonly drills: readonly BackupDrillResult[];
}

/** What is under way on the database. */
export interface DatabaseState {
  readonly freezes: readonly Freeze[];
  /** Runs that began and have not ended, alive or dead. */
  readonly openRuns: readonly JournalRun[];
}

export async function inspectBucket(settings: AgentSettings, context: Context): Promise<BucketContent> {
  const store = backupStore(settings, context);
  const [backups, drills] = await Promise.all([store.manifests(), readDrills(store)]);
  return { backups, drills };
}

export async function inspectDatabase({ env }: Pick<Context, "env">): Promise<DatabaseState> {
  const live = databaseAccess(env, "DATABASE_URL");
  const operations = onDatabase(live, operationsDatabase(live.database));
  return withConnection(operations, { applicationName: "affexai-agent-state" }, async (client) => ({
    freezes: await readFreezes(client, live.database),
    openRuns: await (await Journal.open(client)).unfinished(live.database),
  }));
}
