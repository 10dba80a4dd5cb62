import { z } from "zod";
import { MaintenanceTarget } from "../coolify/spec.ts";
import { Identifier, ProtectedTable } from "../database/spec.ts";
import { LedgerLocation, PinnedImage, ReleaseRecord, ReleaseStamp } from "../release/spec.ts";

/** How a command is run inside an image: by a Docker engine, or by this machine's Node in the image's unpacked files. */
export const ImageRuntime = z.enum(["docker", "unpacked"]);

/** TypeORM's own name of its history of migrations: what a spec that names none means. */
export const defaultHistoryTable = "migrations";

/** An hour for rollouts and smoke test, and half an hour more. */
export const defaultFreezeLeaseSeconds = 5400;

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
  /** TypeORM's history of migrations, in the schema `public`. */
  historyTable: Identifier.optional(),
  lockTimeoutSeconds: z.number().positive(),
  statementTimeoutSeconds: z.number().positive(),
  /** The limit for all migrations of the release together. Defaults to 3600. */
  timeoutSeconds: z.number().positive().optional(),
  protectedTables: z.array(ProtectedTable),
  /** A release without pending migrations accepts a verified backup younger than this. */
  backupMaxAgeSeconds: z.number().positive(),
  /**
   * A release that declares maintenance stays frozen until its ledger entry. When nobody is heard of for this long after the migration,
   * the agent takes the way back and lifts it.
   */
  freezeLeaseSeconds: z.number().positive().optional(),
  /** What answers users while a release that declares maintenance migrates. COOLIFY_URL and COOLIFY_TOKEN come in the environment. */
  maintenance: MaintenanceTarget.optional(),
});
export type MigrationSpec = z.infer<typeof MigrationSpec>;

/** How a release's migrations are run: what a later run needs to take them back. */
export const MigrationWork = MigrationSpec.omit({ record: true });
export type MigrationWork = z.infer<typeof MigrationWork>;

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

/**
 * What to look after: a database whose run was killed, or whose freeze outlived its lease. DATABASE_URL (migrator), BACKUP_DATABASE_URL
 * (backup) and the bucket's credentials come in the environment.
 */
export const ResumeSpec = z.strictObject({
  ledger: LedgerLocation,
  app: Identifier,
  /** Turned off when a freeze is lifted. COOLIFY_URL and COOLIFY_TOKEN come in the environment. */
  maintenance: MaintenanceTarget.optional(),
});
export type ResumeSpec = z.infer<typeof ResumeSpec>;

/** How a run on the database ended that somebody else had to end. */
export const SettledOutcome = z.enum(["done", "nothing-to-undo", "reverted", "restored", "stopped"]);
export type SettledOutcome = z.infer<typeof SettledOutcome>;

/** `idle`: nothing was left behind. `busy`: a run is alive, or a frozen release is under way within its lease. */
export const ResumeResult = z.strictObject({
  state: z.enum(["idle", "busy", "resumed"]),
  settled: z.array(z.strictObject({ run: z.string(), release: z.string().nullable(), outcome: SettledOutcome })),
  /** Whether writes were let through again. */
  unfrozen: z.boolean(),
  /** What people have to be woken for, a sentence each. */
  page: z.array(z.string()),
});
export type ResumeResult = z.infer<typeof ResumeResult>;
