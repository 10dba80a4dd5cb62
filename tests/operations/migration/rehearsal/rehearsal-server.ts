import { randomBytes } from "node:crypto";
import pg from "pg";
import type { Environment } from "../../database/support/platform.ts";

/** A role that may make databases, on the tests' server, which says of itself that it is a scratch server unless `declared` is false. */
export async function rehearsalServer(place: Environment, { declared = true } = {}): Promise<Record<string, string>> {
  const role = `rehearser_${randomBytes(3).toString("hex")}`;
  await place.sql("admin", `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'a-password-of-the-tests'`);
  if (declared) await place.sql("admin", `ALTER ROLE ${role} SET affexai.scratch_server = 'on'`);
  const url = new URL(place.env.ADMIN_DATABASE_URL ?? "");
  url.username = role;
  url.password = "a-password-of-the-tests";
  return { ...place.env, REHEARSAL_DATABASE_URL: url.href };
}

/** Databases of rehearsals on the server. */
export async function rehearsalDatabases(place: Environment): Promise<string[]> {
  const rows = await place.sql<{ name: string }>(
    "admin",
    `SELECT datname::text AS name FROM pg_database WHERE datname LIKE ${pg.escapeLiteral("affexai\\_rehearsal\\_%")} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
