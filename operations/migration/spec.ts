import { z } from "zod";
import { Identifier, ProtectedTable } from "../database/spec.ts";
import { LedgerLocation, PinnedImage, ReleaseRecord, ReleaseStamp } from "../release/spec.ts";

/** How a command is run inside an image: by a Docker engine, or by this machine's Node in the image's unpacked files. */
export const ImageRuntime = z.enum(["docker", "unpacked"]);

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
