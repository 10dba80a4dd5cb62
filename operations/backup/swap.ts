import pg from "pg";
import type { Context } from "../verb.ts";
import { endSessions } from "../database/sessions.ts";

export interface Swap {
  /** The name that applications connect to. */
  readonly database: string;
  /** The restored one, which takes that name. */
  readonly restored: string;
  /** What the one that served until now is called from then on; it stays, closed to connections. */
  readonly kept: string;
}

const name = pg.escapeIdentifier;

/**
 * Puts the restored database in the place of the one that serves, in one transaction of two renames. `client` is on another database.
 * Settings, rights and the connection limit are carried over before; the write freeze is not. If it fails, the old one serves again.
 */
export async function swapDatabases(client: pg.Client, swap: Swap, context: Context): Promise<void> {
  await context.progress.step(`swap ${swap.restored} in, keeping ${swap.kept}`, (progress) =>
    exchange(client, swap, { ...context, progress }),
  );
  context.progress.note(`${swap.database} is the restored one; ${swap.kept} is kept, closed to connections`);
}

async function exchange(client: pg.Client, swap: Swap, context: Context): Promise<void> {
  await carryOver(client, swap.database, swap.restored, context);
  await client.query(`ALTER DATABASE ${name(swap.database)} WITH ALLOW_CONNECTIONS false`);
  try {
    await endSessions(
      client,
      `the end of all sessions in ${swap.database} and ${swap.restored}`,
      "datname = ANY($1)",
      [[swap.database, swap.restored]],
      context,
    );
    await client.query("BEGIN");
    await client.query(`ALTER DATABASE ${name(swap.database)} RENAME TO ${name(swap.kept)}`);
    await client.query(`ALTER DATABASE ${name(swap.restored)} RENAME TO ${name(swap.database)}`);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    await client.query(`ALTER DATABASE ${name(swap.database)} WITH ALLOW_CONNECTIONS true`);
    throw error;
  }
}

/** `pg_dump` without -C leaves these behind: ALTER DATABASE SET, ALTER ROLE IN DATABASE SET, the connection limit, and rights. */
async function carryOver(client: pg.Client, from: string, to: string, { progress }: Context): Promise<void> {
  const { rows } = await client.query<{ role: string | null; setting: string }>(
    `SELECT r.rolname AS role, unnest(s.setconfig) AS setting FROM pg_db_role_setting s
       JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = $1`,
    [from],
  );
  for (const { role, setting } of rows) {
    const [parameter = "", value = ""] = splitOnce(setting, "=");
    if (parameter === "default_transaction_read_only") continue;
    await setParameter(client, to, role, parameter, value).catch((error: unknown) => {
      if (role === null) throw error;
      // A role that this one may not act as: its setting in the database has to be made again by the administrator.
      progress.note(`${role}'s setting ${parameter} in ${from} was not carried over: ${String(error)}`);
    });
  }
  const rights = await client.query<{ statement: string }>(
    `SELECT format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, $2::text,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS statement
       FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1 AND a.grantee <> d.datdba
      UNION ALL
     SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $2::text, datconnlimit) FROM pg_database WHERE datname = $1`,
    [from, to],
  );
  for (const { statement } of rights.rows) await client.query(statement);
}

async function setParameter(
  client: pg.Client,
  database: string,
  role: string | null,
  parameter: string,
  value: string,
): Promise<void> {
  // Lists of names (search_path) are stored quoted already; anything else is one literal.
  const text = /^(search_path|temp_tablespaces|session_preload_libraries|local_preload_libraries)$/.test(parameter)
    ? value
    : pg.escapeLiteral(value);
  const set = `${name(parameter)} = ${text === "" ? "''" : text}`;
  if (role === null) {
    await client.query(`ALTER DATABASE ${name(database)} SET ${set}`);
    return;
  }
  await client.query("BEGIN");
  try {
    await client.query(`SET LOCAL ROLE ${name(role)}`);
    await client.query(`ALTER ROLE ${name(role)} IN DATABASE ${name(database)} SET ${set}`);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
