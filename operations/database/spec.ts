import { z } from "zod";
import { LedgerLocation, ReleaseRecord } from "../release/spec.ts";

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

export const ProtectedTable = z.strictObject({
  /** Its name, with the schema in front unless that is `public`. */
  table: z.string(),
  /** Columns whose content must be the same before and after. */
  columns: z.array(z.string()).min(1),
});
export type ProtectedTable = z.infer<typeof ProtectedTable>;

/** What a `retire` answers: nothing of the database is ever destroyed by it. */
export const RetireResult = z.strictObject({ retired: z.literal(true), kept: z.array(z.string()) });

/** BACKUP_DATABASE_URL comes in the environment, and for `amcheck` ADMIN_DATABASE_URL. */
export const DatabaseVerifySpec = z.strictObject({
  ledger: LedgerLocation,
  /** The release that runs, and that the schema has to fit. */
  record: ReleaseRecord,
  historyTable: Identifier.optional(),
  protectedTables: z.array(ProtectedTable),
  /** Also reads every page of every table and B-tree. */
  amcheck: z.boolean(),
});
export type DatabaseVerifySpec = z.infer<typeof DatabaseVerifySpec>;

export const DatabaseCheck = z.enum([
  "foreign keys",
  "indexes",
  "constraints",
  "sequences",
  "contract",
  "migrations",
  "schema",
  "rows",
  "protected tables",
  "backup",
  "pages",
]);

export const DatabaseVerifyResult = z.strictObject({
  database: z.string(),
  release: z.string(),
  /** By the server's clock. Everything but the pages is of this one moment. */
  checkedAt: z.iso.datetime(),
  /** The newest backup, which the database is compared with; null when there is none. */
  backup: z.string().nullable(),
  fingerprint: z.string(),
  /** What is wrong. Empty in a sound database. */
  findings: z.array(z.strictObject({ check: DatabaseCheck, text: z.string() })),
  /** What may be right, and somebody may want to know. */
  notes: z.array(z.string()),
  tables: z.array(
    z.strictObject({
      table: z.string(),
      rows: z.int(),
      /** In the newest backup; null when it has no such table. */
      backupRows: z.int().nullable(),
      protected: z.boolean(),
    }),
  ),
});
export type DatabaseVerifyResult = z.infer<typeof DatabaseVerifyResult>;
