import { z } from "zod";
import { MaintenanceTarget } from "../coolify/spec.ts";
import { Identifier } from "../database/spec.ts";

/** Why a backup was made; also the prefix it is kept under. */
export const BackupReason = z.enum(["pre-migration", "hourly", "daily", "weekly", "monthly", "manual"]);
export type BackupReason = z.infer<typeof BackupReason>;

/** Sorts by time: `20261123T174501Z-9f3a1c`. */
export const BackupId = z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/, "must be an id from `affexai backup list`");

/** Shared by the verbs on backups. DATABASE_URL (migrator) and BACKUP_DATABASE_URL (backup) come in the environment. */
export const BackupTarget = z.strictObject({ bucket: z.string(), environment: z.string() });
export type BackupTarget = z.infer<typeof BackupTarget>;

export const BackupCreateSpec = z.strictObject({
  ...BackupTarget.shape,
  reason: BackupReason,
  /** Nobody can delete it for so many days, or for as many as the bucket locks by itself where those are more. */
  lockDays: z.int().min(1).optional(),
  /** TypeORM's history of migrations, in the schema `public`. Defaults to `migrations`. */
  historyTable: Identifier.optional(),
});
/** One line about a backup: sizes in bytes, times in ISO 8601 UTC. `takenAt` is the moment of its snapshot. */
export const BackupSummary = z.strictObject({
  id: BackupId,
  reason: BackupReason,
  takenAt: z.iso.datetime(),
  bytes: z.int(),
  sha256: z.string(),
  environment: z.string(),
  encrypted: z.boolean(),
  /** Nobody can delete it before. */
  lockedUntil: z.iso.datetime(),
  database: z.string(),
  rows: z.int(),
  tables: z.int(),
  fingerprint: z.string(),
  migrations: z.int(),
});
export type BackupSummary = z.infer<typeof BackupSummary>;

export const BackupListSpec = z.strictObject({
  ...BackupTarget.shape,
  reason: BackupReason.optional(),
  /** Those of every environment that keeps its backups in this bucket. */
  all: z.boolean().optional(),
});
/** The last drill of a backup: when it was, and whether it proved that it can be restored. */
export const LastDrill = z.strictObject({ drilledAt: z.iso.datetime(), proven: z.boolean() });
export type LastDrill = z.infer<typeof LastDrill>;

export const BackupListResult = z.strictObject({
  backups: z.array(
    z.strictObject({
      ...BackupSummary.shape,
      /** Null when it was never drilled. */
      lastDrill: LastDrill.nullable(),
      /** The environment whose data is in it, with everything personal masked; null for a backup of its own environment's. */
      copyOf: z.string().nullable(),
    }),
  ),
  /** Manifests that are there and tell nothing: `why` is a phrase about each. */
  unreadable: z.array(z.strictObject({ id: BackupId, environment: z.string(), reason: BackupReason, why: z.string() })),
});
export type BackupListResult = z.infer<typeof BackupListResult>;

/** The pruner's credentials are in the environment. */
export const BackupPruneSpec = z.strictObject({
  ...BackupTarget.shape,
  /** Days that a backup is kept, by why it was made. */
  keep: z.record(BackupReason, z.int().min(1)),
  /** As many of the newest complete backups stay, and as many of the newest drilled ones, however old they are. */
  minimum: z.int().min(1),
  /** Says what it would do, and does nothing. */
  dryRun: z.boolean().optional(),
});
export const BackupPruneResult = z.strictObject({
  /** Ids of expired backups. */
  deleted: z.array(z.string()),
  /** Complete backups that stay, the locked ones among them. */
  kept: z.int(),
  /** What would have been deleted and is locked still: ids of backups, and of remains. */
  locked: z.array(z.string()),
  /** Ids of what runs that were killed left behind, without a manifest, more than a day ago. */
  remains: z.array(z.string()),
  /** Uploads that were begun more than a day ago and never ended: their keys. */
  aborted: z.array(z.string()),
});

/** Without an id, the newest backup. */
export const BackupVerifySpec = z.strictObject({ ...BackupTarget.shape, id: BackupId.optional() });
export const BackupVerifyResult = z.strictObject({
  ...BackupSummary.shape,
  verified: z.literal(true),
  /** `bytes`: it is encrypted and there was no BACKUP_IDENTITY, so only what is stored was compared with the manifest. */
  read: z.enum(["bytes", "contents"]),
});

/** Without an id, the newest backup. A dry run restores beside, verifies, and drops what it restored. */
export const BackupRestoreSpec = z.strictObject({
  ...BackupTarget.shape,
  id: BackupId.optional(),
  dryRun: z.boolean(),
  /** A folder of this machine for the dump, from which pg_restore restores with several jobs. Without one the dump is streamed. */
  local: z.string().optional(),
  /** The application's role: it gets its rights in a copy of another environment's data. */
  app: Identifier,
  /** Swaps although a release is being rolled out, or the one that serves cannot live with the restored schema. */
  force: z.boolean().optional(),
  /** Turned off when a freeze is lifted. COOLIFY_URL and COOLIFY_TOKEN come in the environment. */
  maintenance: MaintenanceTarget.optional(),
});

/** What a swap means to those who use the database that serves. */
export const SwapConsequences = z.strictObject({
  /**
   * Tables in which the live database has not as many rows as the backup; null for a table that one of them lacks. What was changed in
   * place is not in here. Null when the live database cannot be read.
   */
  rows: z.array(z.strictObject({ table: z.string(), live: z.int().nullable(), backup: z.int().nullable() })).nullable(),
  /** The release that serves, and what it cannot live with in the backup; null when none was ever verified. */
  serving: z.strictObject({ release: z.string(), reasons: z.array(z.string()) }).nullable(),
});
export type SwapConsequences = z.infer<typeof SwapConsequences>;

export const BackupRestoreResult = z.strictObject({
  id: BackupId,
  swapped: z.boolean(),
  /** The database that served before the swap, kept and closed to connections. */
  kept: z.string().nullable(),
  rows: z.int(),
  restoreSeconds: z.number(),
  swapSeconds: z.number().nullable(),
  consequences: SwapConsequences,
  /** Settings of the database that could not be carried over, as the statements that a superuser has to run. */
  lostSettings: z.array(z.string()),
});
export type BackupRestoreResult = z.infer<typeof BackupRestoreResult>;

/**
 * Without an id, the newest backup. DRILL_DATABASE_URL in the environment names another server, by an empty database of it; without it
 * the scratch database is made on the server of DATABASE_URL.
 */
export const BackupDrillSpec = z.strictObject({
  ...BackupTarget.shape,
  id: BackupId.optional(),
  /** What is measured is the restore from there. */
  local: BackupRestoreSpec.shape.local,
});
/**
 * What a drill measured. `rpoSeconds`: the age of the backup's snapshot when it was proven, which is what would have been lost.
 * `rtoSeconds`: download, restore and verification; a swap comes on top and takes less than a second.
 */
export const BackupDrillResult = z.strictObject({
  id: BackupId,
  takenAt: z.iso.datetime(),
  rows: z.int(),
  restoreSeconds: z.number(),
  verifySeconds: z.number(),
  rpoSeconds: z.number(),
  rtoSeconds: z.number(),
  drilledAt: z.iso.datetime(),
});
export type BackupDrillResult = z.infer<typeof BackupDrillResult>;

/** A drill that found a backup that cannot be restored, or is not what its manifest says: `why` is what was found. */
export const FailedDrill = z.strictObject({ id: BackupId, drilledAt: z.iso.datetime(), why: z.string() });
export type FailedDrill = z.infer<typeof FailedDrill>;

/** How many days a replaced database is kept before `dropExpiredKept` drops it. */
const KeptDays = z.number().nonnegative().default(7);
/** DATABASE_URL (migrator) in the environment. */
export const KeptSpec = z.strictObject({ days: KeptDays });
export const KeptDropSpec = z.strictObject({ name: Identifier });
/** `keptAt`: when the swap replaced it, null when the journal does not know it. `closed`: its run is closed in the journal. */
export const KeptDatabase = z.strictObject({
  name: z.string(),
  bytes: z.int(),
  keptAt: z.iso.datetime().nullable(),
  closed: z.boolean(),
  /** It may be dropped now, being older than the days asked for. */
  expired: z.boolean(),
});
export type KeptDatabase = z.infer<typeof KeptDatabase>;
export const KeptListResult = z.strictObject({ kept: z.array(KeptDatabase) });
export const KeptDropResult = z.strictObject({ dropped: z.array(z.string()) });

/** DATABASE_URL (migrator) and BACKUP_DATABASE_URL (the role that reads) in the environment. */
export const SalvageSpec = z.strictObject({
  /** A kept database. */
  from: Identifier,
  /** Only rows with a date or time from then on in any column; all rows of a table that has no such column. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** A folder of this machine, empty or not there yet. */
  out: z.string().min(1),
});
/** What the live database lacks of one table of the kept one. */
export const SalvagedTable = z.strictObject({
  table: z.string(),
  /** How rows were told apart: by primary key and content, or, in a table without one, by content alone. */
  comparedBy: z.enum(["primary key", "content"]),
  /** Rows whose key (or content) is not in the live database: `<table>.missing.csv`. */
  missing: z.int(),
  /** Rows that are in the live database with other content: `<table>.changed.csv`. */
  changed: z.int(),
  /** Rows that only the live database has; not exported. */
  onlyLive: z.int(),
  /** Columns that only the kept table has: exported, and not compared. */
  onlyKeptColumns: z.array(z.string()),
  /** The columns that `since` was applied to; empty when it was not given, or there is none of a fitting type. */
  sinceColumns: z.array(z.string()),
});
export type SalvagedTable = z.infer<typeof SalvagedTable>;
export const SalvageResult = z.strictObject({ from: z.string(), out: z.string(), tables: z.array(SalvagedTable) });
