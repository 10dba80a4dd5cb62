import { z } from "zod";
import { LedgerLocation, PinnedImage, ReleaseRecord, ReleaseStamp } from "../release/spec.ts";

/** The name of a role or database: lower-case letters, digits and underscores, so that it never needs quoting in a URL. */
export const Identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, "must be lower-case letters, digits and underscores, at most 63");

/**
 * Three roles and the operations database. ADMIN_DATABASE_URL (a superuser), MIGRATOR_PASSWORD, APP_PASSWORD and BACKUP_PASSWORD
 * come in the environment.
 */
export const RolesSpec = z.strictObject({
  owner: z.string(),
  database: Identifier,
  migrator: Identifier,
  app: Identifier,
  backup: Identifier,
});
export type RolesSpec = z.infer<typeof RolesSpec>;

/** `serverVersion` is PostgreSQL's server_version_num: 150018 is 15.18. */
export const RolesResult = z.strictObject({ roles: z.array(z.string()), serverVersion: z.int() });

/** How a command is run inside an image: by a Docker engine, or by this machine's Node in the image's unpacked files. */
export const ImageRuntime = z.enum(["docker", "unpacked"]);

export const ProtectedTable = z.strictObject({
  /** Its name, with the schema in front unless that is `public`. */
  table: z.string(),
  /** Columns whose content must be the same before and after. */
  columns: z.array(z.string()).min(1),
});
export type ProtectedTable = z.infer<typeof ProtectedTable>;

/** The guarded migration of one release. DATABASE_URL (migrator) and BACKUP_DATABASE_URL (backup) come in the environment. */
export const MigrationSpec = z.strictObject({
  owner: z.string(),
  record: ReleaseRecord,
  stamp: ReleaseStamp,
  ledger: LedgerLocation,
  image: PinnedImage,
  imageRuntime: ImageRuntime,
  /** The TypeORM data source, relative to the image's working directory. */
  dataSource: z.string(),
  /** Node inside the image. */
  nodePath: z.string(),
  /** The role that the application connects as: frozen during maintenance, refused when it is a superuser. */
  app: Identifier,
  /** TypeORM's history of migrations, in the schema `public`. Defaults to `migrations`. */
  historyTable: Identifier.optional(),
  lockTimeoutSeconds: z.number().positive(),
  statementTimeoutSeconds: z.number().positive(),
  /** The limit for all migrations of the release together. Defaults to 3600. */
  timeoutSeconds: z.number().positive().optional(),
  protectedTables: z.array(ProtectedTable),
  /** How many rows the release's migrations may delete, by table. A table that is not named may lose none. */
  allowedDeletes: z.record(z.string(), z.int().min(0)).optional(),
  /** A release without pending migrations accepts a verified backup younger than this. */
  backupMaxAgeSeconds: z.number().positive(),
});
export type MigrationSpec = z.infer<typeof MigrationSpec>;

/** `ahead`: the database is newer than this release and satisfies its contract, so nothing ran. */
export const MigrationOutcome = z.enum(["migrated", "up-to-date", "ahead"]);
export type MigrationOutcome = z.infer<typeof MigrationOutcome>;
export const MigrationResult = z.strictObject({
  attempt: z.string(),
  outcome: MigrationOutcome,
  applied: z.array(z.string()),
  /** Id of the backup behind this deployment. */
  backup: z.string(),
  fingerprint: z.string(),
  /** Whether the release to go back to (the last verified other than this) can live with the schema now; null when there is none. */
  previousReleaseRuns: z.boolean().nullable(),
});
export type MigrationResult = z.infer<typeof MigrationResult>;

/** What a `retire` answers: nothing of the database is ever destroyed by it. */
export const RetireResult = z.strictObject({ retired: z.literal(true), kept: z.array(z.string()) });

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
  database: z.string(),
  rows: z.int(),
  tables: z.int(),
  fingerprint: z.string(),
  migrations: z.int(),
});
export type BackupSummary = z.infer<typeof BackupSummary>;

export const BackupListSpec = z.strictObject({ ...BackupTarget.shape, reason: BackupReason.optional() });
export const BackupListResult = z.strictObject({ backups: z.array(BackupSummary) });

/** Without an id, the newest backup. */
export const BackupVerifySpec = z.strictObject({ ...BackupTarget.shape, id: BackupId.optional() });
export const BackupVerifyResult = z.strictObject({ ...BackupSummary.shape, verified: z.literal(true) });

/** Without an id, the newest backup. A dry run restores beside, verifies, and drops what it restored. */
export const BackupRestoreSpec = z.strictObject({
  ...BackupTarget.shape,
  id: BackupId.optional(),
  dryRun: z.boolean(),
  /** The role whose settings in the database are carried over. */
  app: Identifier,
});
export const BackupRestoreResult = z.strictObject({
  id: BackupId,
  swapped: z.boolean(),
  /** The database that served before the swap, kept and closed to connections. */
  kept: z.string().nullable(),
  rows: z.int(),
  restoreSeconds: z.number(),
  swapSeconds: z.number().nullable(),
});
