import pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import type { Context } from "../verb.ts";

const name = pg.escapeIdentifier;

interface Setting {
  /** Null for every role. */
  readonly role: string | null;
  readonly parameter: string;
  readonly value: string;
}

/**
 * Gives one database what another has around it and pg_dump without -C leaves behind: owner, rights, connection limit, comment, ALTER
 * DATABASE SET and ALTER ROLE IN DATABASE SET. The write freeze is not carried over. `client` is the migrator's, on a third database.
 * Returns the statements that neither it nor the administrator (ADMIN_DATABASE_URL, where it is set) may run; each is a lost setting.
 */
export async function carryOver(
  client: pg.Client,
  { access, to }: { readonly access: DatabaseAccess; readonly to: string },
  { env, progress }: Pick<Context, "env" | "progress">,
): Promise<string[]> {
  for (const statement of await rights(client, access.database, to)) await client.query(statement);
  const refused: Setting[] = [];
  for (const setting of await settings(client, access.database)) {
    if (setting.parameter === "default_transaction_read_only") continue;
    try {
      await set(client, to, setting);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      refused.push(setting);
    }
  }
  if (refused.length === 0) return [];
  const left = await asAdministrator(refused, to, env, access);
  // Named as the restored one is called when somebody reads this.
  const lost = left.map((setting) => statementOf(access.database, setting));
  for (const statement of lost) progress.note(`a superuser has to run, once it serves: ${statement}`);
  return lost;
}

async function rights(client: pg.Client, from: string, to: string): Promise<string[]> {
  const { rows } = await client.query<{ statement: string }>(
    // Without rights of its own a database has the default ones, which let everybody connect.
    `WITH live AS (SELECT * FROM pg_database WHERE datname = $1)
     SELECT format('ALTER DATABASE %I OWNER TO %I', $2::text, pg_get_userbyid(datdba)) AS statement
       FROM live WHERE datdba <> (SELECT datdba FROM pg_database WHERE datname = $2)
      UNION ALL
     SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $2::text,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
       FROM live, aclexplode(COALESCE(datacl, acldefault('d', datdba))) a WHERE a.grantee <> datdba
      UNION ALL
     SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $2::text, datconnlimit) FROM live
      UNION ALL
     SELECT format('COMMENT ON DATABASE %I IS %L', $2::text, shobj_description(oid, 'pg_database'))
       FROM live WHERE shobj_description(oid, 'pg_database') IS NOT NULL`,
    [from, to],
  );
  return rows.map(({ statement }) => statement);
}

async function settings(client: pg.Client, database: string): Promise<Setting[]> {
  const { rows } = await client.query<{ role: string | null; setting: string }>(
    `SELECT r.rolname AS role, unnest(s.setconfig) AS setting FROM pg_db_role_setting s
       JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = $1`,
    [database],
  );
  return rows.map(({ role, setting }) => {
    const at = setting.indexOf("=");
    return { role, parameter: setting.slice(0, at), value: setting.slice(at + 1) };
  });
}

function statementOf(database: string, { role, parameter, value }: Setting): string {
  // Lists of names (search_path) are stored quoted already; anything else is one literal.
  const isList = /^(search_path|temp_tablespaces|session_preload_libraries|local_preload_libraries)$/.test(parameter);
  const text = isList && value !== "" ? value : pg.escapeLiteral(value);
  const whose = role === null ? "" : `ROLE ${name(role)} IN `;
  // A parameter of an extension has a dot in its name, each side of which is a name of its own.
  return `ALTER ${whose}DATABASE ${name(database)} SET ${parameter.split(".").map(name).join(".")} = ${text}`;
}

/** A role may change its own settings, so the migrator acts as the role that it is a member of. */
async function set(client: pg.Client, database: string, setting: Setting): Promise<void> {
  await client.query("BEGIN");
  try {
    if (setting.role !== null) await client.query(`SET LOCAL ROLE ${name(setting.role)}`);
    await client.query(statementOf(database, setting));
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

/** Returns what it could not set either. */
async function asAdministrator(
  refused: readonly Setting[],
  to: string,
  env: Context["env"],
  { database }: DatabaseAccess,
): Promise<Setting[]> {
  if (!env.ADMIN_DATABASE_URL) return [...refused];
  const admin = onDatabase(databaseAccess(env, "ADMIN_DATABASE_URL"), operationsDatabase(database));
  return withConnection(admin, { applicationName: "affexai-settings" }, async (client) => {
    const lost: Setting[] = [];
    for (const setting of refused) {
      try {
        await client.query(statementOf(to, setting));
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        lost.push(setting);
      }
    }
    return lost;
  });
}
