import { z } from "zod";
import { LedgerLocation, PinnedImage, ReleaseRecord, ReleaseStamp } from "../release/spec.ts";

/** A role's name, used unquoted: lower-case letters, digits and underscores. */
const Identifier = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/);

/**
 * Three roles and the operations database. ADMIN_DATABASE_URL, MIGRATOR_PASSWORD, APP_PASSWORD and BACKUP_PASSWORD come in the
 * environment.
 */
export const RolesSpec = z.strictObject({
  owner: z.string(),
  database: Identifier,
  migrator: Identifier,
  app: Identifier,
  backup: Identifier,
});
export const RolesResult = z.strictObject({ roles: z.array(z.string()), serverVersion: z.int() });

/** How a command is run inside an image: by a Docker engine, or by this machine's Node in the image's unpacked files. */
export const ImageRuntime = z.enum(["docker", "unpacked"]);

export const ProtectedTable = z.strictObject({
  table: z.string(),
  /** Columns whose content must be the same before and after. */
  columns: z.array(z.string()).min(1),
});

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
  lockTimeoutSeconds: z.number().positive(),
  statementTimeoutSeconds: z.number().positive(),
  protectedTables: z.array(ProtectedTable),
  /** A release without pending migrations accepts a verified backup younger than this. */
  backupMaxAgeSeconds: z.number().positive(),
});
export type MigrationSpec = z.infer<typeof MigrationSpec>;

/** `ahead`: the database is newer than this release and satisfies its contract, so nothing ran. */
export const MigrationOutcome = z.enum(["migrated", "up-to-date", "ahead"]);
export const MigrationResult = z.strictObject({
  attempt: z.string(),
  outcome: MigrationOutcome,
  applied: z.array(z.string()),
  /** Id of the backup behind this deployment. */
  backup: z.string(),
  fingerprint: z.string(),
  /** Whether the release that ran before satisfies its contract on the new schema; null when there was none. */
  previousReleaseRuns: z.boolean().nullable(),
});

/** Why a backup was made; also the prefix it is kept under. */
export const BackupReason = z.enum(["pre-migration", "hourly", "daily", "weekly", "monthly", "manual"]);

/** Shared by the verbs on backups. DATABASE_URL and BACKUP_DATABASE_URL come in the environment. */
export const BackupTarget = z.strictObject({ bucket: z.string(), environment: z.string() });
