import pg from "pg";
import type { Context } from "../verb.ts";
import { endSessions } from "./sessions.ts";

/** Whose writes are frozen, and where. */
export interface FreezeTarget {
  readonly database: string;
  /** The application's role. The migrator must be a member of it. */
  readonly app: string;
}

const setting = "default_transaction_read_only";

/**
 * Makes the application's sessions read-only: a setting of its role in this database, and the end of the sessions that began before
 * it. When this returns, no write of the application is under way and none can begin. Reads go on after a reconnect.
 */
export async function freezeWrites(client: pg.Client, target: FreezeTarget, context: Context): Promise<void> {
  await context.progress.step(`freeze the writes of ${target.app}`, async (progress) => {
    await change(client, target, `SET ${setting} = on`);
    await endOlderSessions(client, target, { ...context, progress });
  });
}

/** Lets the application write again. Sessions that began meanwhile would stay read-only for good, so they are ended too. */
export async function unfreezeWrites(client: pg.Client, target: FreezeTarget, context: Context): Promise<void> {
  await context.progress.step(`let ${target.app} write again`, async (progress) => {
    await change(client, target, `RESET ${setting}`);
    await endOlderSessions(client, target, { ...context, progress });
  });
}

/** Whether the freeze is in force now. */
export async function isFrozen(client: pg.Client, target: FreezeTarget): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r ON r.oid = s.setrole
      WHERE d.datname = $1 AND r.rolname = $2 AND $3 = ANY(s.setconfig)`,
    [target.database, target.app, `${setting}=on`],
  );
  return rowCount === 1;
}

/**
 * Sessions that could write in spite of the freeze: of any role but the application's, the backup's and this run's own.
 * Printable: `postgres (psql, pid 4711)`.
 */
export async function foreignWriters(
  client: pg.Client,
  target: FreezeTarget,
  applicationName: string,
  readers: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ pid: number; user: string; name: string }>(
    `SELECT pid, usename AS "user", application_name AS name FROM pg_stat_activity
      WHERE datname = $1 AND backend_type = 'client backend' AND usename <> $2 AND application_name <> $3 AND NOT usename = ANY($4)`,
    [target.database, target.app, applicationName, readers],
  );
  return rows.map(({ pid, user, name }) => `${user} (${name || "no name"}, pid ${pid})`);
}

/** A role may change its own settings, so the migrator acts as the application: ALTER ROLE on another one needs CREATEROLE. */
async function change(client: pg.Client, { database, app }: FreezeTarget, what: string): Promise<void> {
  const role = pg.escapeIdentifier(app);
  await client.query("BEGIN");
  try {
    await client.query(`SET LOCAL ROLE ${role}`);
    await client.query(`ALTER ROLE ${role} IN DATABASE ${pg.escapeIdentifier(database)} ${what}`);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

async function endOlderSessions(client: pg.Client, { database, app }: FreezeTarget, context: Context): Promise<void> {
  const { rows } = await client.query<{ now: string }>("SELECT clock_timestamp()::text AS now");
  await endSessions(
    client,
    `the end of ${app}'s sessions in ${database}`,
    "datname = $1 AND usename = $2 AND backend_start <= $3::timestamptz",
    [database, app, rows[0]?.now],
    context,
  );
}
