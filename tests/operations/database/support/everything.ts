import { join } from "node:path";
import { databaseAccess } from "../../../../operations/database/access.ts";
import { withConnection } from "../../../../operations/database/connection.ts";
import { readContents } from "../../../../operations/database/content.ts";
import { readFingerprint } from "../../../../operations/database/fingerprint.ts";
import { run } from "../../../../operations/process.ts";
import { findPostgres } from "../../../../sandbox/setup/find-servers.ts";
import type { Environment } from "./platform.ts";

/** All that can be told about a database: by our own reading, and by pg_dump's. */
export async function everything(place: Environment) {
  const own = await withConnection(
    databaseAccess(place.env, "BACKUP_DATABASE_URL"),
    { applicationName: "affexai-test" },
    async (client) => ({
      fingerprint: await readFingerprint(client, "migrations"),
      contents: await readContents(client),
    }),
  );
  const settings = await place.sql(
    "admin",
    `SELECT datdba::regrole, datconnlimit, datcollate, datctype, pg_encoding_to_char(encoding) AS encoding,
            ARRAY(SELECT unnest(datacl)::text ORDER BY 1) AS acl,
            ARRAY(SELECT setrole::regrole || ' ' || setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1) AS settings
       FROM pg_database d WHERE datname = current_database()`,
  );
  return { ...own, settings, dump: await dumpText(place) };
}

/** The whole database as SQL. Since the releases of August 2025 it holds a random key, which says nothing about the database. */
async function dumpText(place: Environment): Promise<string[]> {
  const stdout = await program(place, "pg_dump", [`--dbname=${place.name}`]);
  return stdout.split("\n").filter((line) => !/^\\(un)?restrict /.test(line));
}

/** By PostgreSQL's own reader of pages: throws at a heap or index that is damaged. */
export async function checkPages(place: Environment): Promise<void> {
  await program(place, "pg_amcheck", ["--install-missing", `--database=${place.name}`]);
}

/** Runs one of PostgreSQL's own programs as the administrator. */
async function program({ env }: Environment, name: string, args: readonly string[]): Promise<string> {
  const { hostname, port, username, password } = new URL(env.ADMIN_DATABASE_URL ?? "");
  const { stdout } = await run({
    file: join((await findPostgres()) ?? "", name),
    arguments: ["--no-password", ...args],
    env: { PATH: process.env.PATH, PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password },
    timeoutMs: 60_000,
  });
  return stdout;
}
