import { z } from "zod";

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
