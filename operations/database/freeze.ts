import pg from "pg";
import type { Context } from "../verb.ts";
import { endSessions } from "./sessions.ts";

/** Whose writes are frozen, and where. */
export interface FreezeTarget {
  readonly database: string;
  /** The application's role. The migrator must be a member of it. */
  readonly app: string;
}

/** For whom a freeze is, and how long it may last when nobody is heard of again. */
export interface FreezeLease {
  /** The journal's run, or "by hand". */
  readonly run: string;
  /** The release that it is for; null when a person froze. */
  readonly release: string | null;
  /** The release's attempt in the ledger. */
  readonly attempt: string | null;
  readonly seconds: number;
}

/** A freeze as the operations database knows it. */
export interface Freeze extends FreezeTarget, Omit<FreezeLease, "seconds"> {
  /** Since when no write can have begun, as the server prints it; null while it is put in force or lifted. */
  readonly since: string | null;
  readonly leaseUntil: string;
  readonly leaseEnded: boolean;
}

const setting = "default_transaction_read_only";

const table = `
  CREATE TABLE IF NOT EXISTS public.freeze (
    database text NOT NULL, app text NOT NULL, run text NOT NULL, release text, attempt text,
    since timestamptz, lease_until timestamptz NOT NULL, PRIMARY KEY (database, app))`;

/**
 * Makes the application's sessions read-only: a setting of its role in this database, and the end of the sessions that began before
 * it. When this returns, no write of the application is under way and none can begin. Reads go on after a reconnect. The lease is
 * written first, so that whoever comes after a kill finds it. One that is in force already is taken over, without a gap.
 * Returns since when it is in force. `client` is on the operations database.
 */
export async function freezeWrites(
  client: pg.Client,
  target: FreezeTarget,
  lease: FreezeLease,
  context: Context,
): Promise<string> {
  return context.progress.step(`freeze the writes of ${target.app}`, async (progress) => {
    await client.query(table);
    const inForce = await isFrozen(client, target);
    await client.query(
      `INSERT INTO public.freeze AS f (database, app, run, release, attempt, lease_until)
       VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
       ON CONFLICT (database, app) DO UPDATE SET run = excluded.run, release = excluded.release, attempt = excluded.attempt,
         lease_until = excluded.lease_until, since = CASE WHEN $7 THEN f.since END`,
      [target.database, target.app, lease.run, lease.release, lease.attempt, lease.seconds, inForce],
    );
    await change(client, target, `SET ${setting} = on`);
    await endSessionsOf(client, target, { ...context, progress });
    const { rows } = await client.query<{ since: string }>(
      `UPDATE public.freeze SET since = COALESCE(since, clock_timestamp()) WHERE database = $1 AND app = $2 RETURNING since::text`,
      [target.database, target.app],
    );
    if (rows[0] === undefined) throw new Error("the freeze's row is gone");
    return rows[0].since;
  });
}

/** Lets a freeze last this much longer from now on. */
export async function renewFreeze(client: pg.Client, target: FreezeTarget, seconds: number): Promise<void> {
  await client.query(
    `UPDATE public.freeze SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE database = $1 AND app = $2`,
    [target.database, target.app, seconds],
  );
}

/**
 * Lets the application write again. Sessions that began meanwhile would stay read-only for good, so they are ended too. The lease is
 * forgotten last, after `finish`: a kill in between leaves it to be found.
 */
export async function unfreezeWrites(
  client: pg.Client,
  target: FreezeTarget,
  context: Context,
  finish: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await context.progress.step(`let ${target.app} write again`, async (progress) => {
    await client.query(table);
    const row = [target.database, target.app];
    await client.query("UPDATE public.freeze SET since = NULL WHERE database = $1 AND app = $2", row);
    await change(client, target, `RESET ${setting}`);
    await endSessionsOf(client, target, { ...context, progress });
    await finish();
    await client.query("DELETE FROM public.freeze WHERE database = $1 AND app = $2", row);
  });
}

/** Whether the application's writes are frozen now, by whomever. */
export async function isFrozen(client: pg.Client, target: FreezeTarget): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r ON r.oid = s.setrole
      WHERE d.datname = $1 AND r.rolname = $2 AND $3 = ANY(s.setconfig)`,
    [target.database, target.app, `${setting}=on`],
  );
  return rowCount === 1;
}

/** Since when it has been frozen without a gap, as the server prints it; null when it is not. */
export async function frozenSince(client: pg.Client, target: FreezeTarget): Promise<string | null> {
  if (!(await isFrozen(client, target))) return null;
  return (await readFreezes(client, target.database)).find(({ app }) => app === target.app)?.since ?? null;
}

/** The freezes of a database, with their leases. */
export async function readFreezes(client: pg.Client, database: string): Promise<Freeze[]> {
  const exists = await client.query<{ found: boolean }>("SELECT to_regclass('public.freeze') IS NOT NULL AS found");
  if (exists.rows[0]?.found !== true) return [];
  const { rows } = await client.query<Freeze>(
    `SELECT database, app, run, release, attempt, since::text, lease_until::text AS "leaseUntil",
            lease_until < clock_timestamp() AS "leaseEnded" FROM public.freeze WHERE database = $1 ORDER BY app`,
    [database],
  );
  return rows;
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

/** Ends the application's sessions that are there now. */
export async function endSessionsOf(
  client: pg.Client,
  { database, app }: FreezeTarget,
  context: Context,
): Promise<void> {
  const { rows } = await client.query<{ now: string }>("SELECT clock_timestamp()::text AS now");
  await endSessions(
    client,
    `the end of ${app}'s sessions in ${database}`,
    "datname = $1 AND usename = $2 AND backend_start <= $3::timestamptz",
    [database, app, rows[0]?.now],
    context,
  );
}
