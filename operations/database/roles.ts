import pg from "pg";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { databaseAccess, onDatabase, placeOf, type DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";
import { operationsDatabase } from "./operations-database.ts";
import { scramMatches, scramVerifier } from "./scram.ts";
import { RetireResult, RolesResult, RolesSpec } from "./spec.ts";

const name = pg.escapeIdentifier;
const connection = { applicationName: "affexai-roles" };

/**
 * Makes or corrects the three roles, their rights, the database's owner and the operations database. What is right already stays as
 * it is; passwords are set only when they differ. Removes rights that the application must not have (CREATE, TRUNCATE), whoever
 * granted them. Servers older than 15 are refused: their `public` schema cannot be restored by its owner.
 */
export const applyRoles: Verb<typeof RolesSpec, typeof RolesResult> = {
  spec: RolesSpec,
  result: RolesResult,
  async run(spec, context) {
    const admin = databaseAccess(context.env, "ADMIN_DATABASE_URL");
    const passwords = readPasswords(spec, context.env);
    const { progress } = context;
    await progress.step("the server answers", (inner) => serverAnswers(admin, { ...context, progress: inner }));
    const serverVersion = await withConnection(onDatabase(admin, "postgres"), connection, async (client) => {
      const version = await checkServer(client, spec);
      await progress.step("roles", () => applyLogins(client, spec, passwords));
      await progress.step("databases", () => applyDatabases(client, spec));
      return version;
    });
    await progress.step(`rights in ${spec.database}`, () =>
      withConnection(onDatabase(admin, spec.database), connection, (client) => applyRights(client, spec)),
    );
    return { roles: [spec.migrator, spec.app, spec.backup], serverVersion };
  },
};

/** Destroys nothing: roles own data, and a database without its roles cannot even be backed up. */
export const retireRoles: Verb<typeof RolesSpec, typeof RetireResult> = {
  spec: RolesSpec,
  result: RetireResult,
  async run(spec, { progress }) {
    const kept = [spec.migrator, spec.app, spec.backup, spec.database, operationsDatabase(spec.database)];
    progress.note(`kept: ${kept.join(", ")}`);
    return { retired: true, kept };
  },
};

const answerWithinMs = 120_000;

/**
 * Coolify calls a database running while its container is still starting, so the connection itself is the proof. After two minutes the
 * reason of the last failure is thrown (unreachable).
 */
async function serverAnswers(admin: DatabaseAccess, context: Context): Promise<void> {
  const failures: OperationError[] = [];
  try {
    await waitFor(
      {
        what: `PostgreSQL at ${placeOf(admin)}`,
        timeoutMs: answerWithinMs,
        intervalMs: 500,
        next: "Check the database's log, and the network (VPN or tunnel) between here and it.",
        async look() {
          try {
            await withConnection(onDatabase(admin, "postgres"), connection, async () => undefined);
            return { done: true, value: undefined };
          } catch (error) {
            if (!(error instanceof OperationError) || error.kind !== "unreachable") throw error;
            failures.push(error);
            return { done: false, seen: error.text.what };
          }
        },
      },
      context,
    );
  } catch (error) {
    throw error instanceof OperationError && error.kind === "failed" ? (failures.at(-1) ?? error) : error;
  }
}

type Passwords = Readonly<Record<"migrator" | "app" | "backup", string>>;

function readPasswords(spec: RolesSpec, env: Context["env"]): Passwords {
  const variables = { migrator: "MIGRATOR_PASSWORD", app: "APP_PASSWORD", backup: "BACKUP_PASSWORD" } as const;
  const missing = Object.values(variables).filter((variable) => (env[variable] ?? "").length < 12);
  const roles = new Set([spec.migrator, spec.app, spec.backup]);
  const problems = [
    ...missing.map((variable) => `${variable} is not set, or shorter than 12 characters`),
    ...(roles.size === 3 ? [] : ["migrator, app and backup must be three different roles"]),
  ];
  if (problems.length > 0) {
    throw new OperationError("usage", {
      where: "roles",
      what: `${problems.join("; ")}.`,
      next: "Correct all of it; nothing was touched.",
    });
  }
  const { MIGRATOR_PASSWORD = "", APP_PASSWORD = "", BACKUP_PASSWORD = "" } = env;
  return { migrator: MIGRATOR_PASSWORD, app: APP_PASSWORD, backup: BACKUP_PASSWORD };
}

async function checkServer(client: pg.Client, spec: RolesSpec): Promise<number> {
  const { rows } = await client.query<{ version: number; superuser: boolean; user: string }>(
    `SELECT current_setting('server_version_num')::int AS version, rolsuper AS superuser, rolname AS "user"
       FROM pg_roles WHERE rolname = current_user`,
  );
  const [server] = rows;
  if (server === undefined) throw new Error("pg_roles does not list current_user");
  const problems = [
    ...(server.version >= 150000 ? [] : [`PostgreSQL ${server.version} is older than 15`]),
    ...(server.superuser ? [] : [`${server.user} is not a superuser`]),
    ...([spec.migrator, spec.app, spec.backup].includes(server.user)
      ? [`${server.user} cannot be one of the roles`]
      : []),
  ];
  if (problems.length === 0) return server.version;
  throw new OperationError("refused", {
    where: "ADMIN_DATABASE_URL",
    what: `${problems.join("; ")}.`,
    next: "Give the server's administrator and PostgreSQL 15 or newer; nothing was touched.",
  });
}

async function applyLogins(client: pg.Client, spec: RolesSpec, passwords: Passwords): Promise<void> {
  const { rows } = await client.query<{ rolname: string; verifier: string | null }>(
    "SELECT rolname, rolpassword AS verifier FROM pg_authid WHERE rolname = ANY($1)",
    [[spec.migrator, spec.app, spec.backup]],
  );
  const attributes = {
    // Row security binds an owner that forces it, so it could neither restore such a table nor verify it. An owner may lift it anyway.
    migrator: "NOSUPERUSER NOCREATEROLE NOREPLICATION BYPASSRLS CREATEDB",
    app: "NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS NOCREATEDB",
    // Without BYPASSRLS, pg_dump refuses a table with row security; the role can only read.
    backup: "NOSUPERUSER NOCREATEROLE NOREPLICATION BYPASSRLS NOCREATEDB",
  };
  for (const role of ["migrator", "app", "backup"] as const) {
    const existing = rows.find(({ rolname }) => rolname === spec[role]);
    const password =
      existing?.verifier != null && scramMatches(existing.verifier, passwords[role])
        ? ""
        : ` PASSWORD ${pg.escapeLiteral(scramVerifier(passwords[role]))}`;
    const verb = existing === undefined ? "CREATE" : "ALTER";
    await client.query(`${verb} ROLE ${name(spec[role])} LOGIN ${attributes[role]}${password}`);
  }
  await client.query(`GRANT pg_read_all_data TO ${name(spec.backup)}`);
  // The migrator ends sessions before a swap, names who blocks it, and acts as the application to freeze its writes.
  await client.query(`GRANT pg_signal_backend, pg_read_all_stats, ${name(spec.app)} TO ${name(spec.migrator)}`);
  await client.query(`REVOKE ${name(spec.migrator)} FROM ${name(spec.app)}, ${name(spec.backup)}`);
}

async function applyDatabases(client: pg.Client, spec: RolesSpec): Promise<void> {
  for (const database of [spec.database, operationsDatabase(spec.database)]) {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name(database)} OWNER ${name(spec.migrator)}`);
    else await client.query(`ALTER DATABASE ${name(database)} OWNER TO ${name(spec.migrator)}`);
    await client.query(`REVOKE ALL ON DATABASE ${name(database)} FROM PUBLIC`);
  }
  await client.query(`REVOKE ALL ON DATABASE ${name(spec.database)} FROM ${name(spec.app)}`);
  await client.query(`GRANT CONNECT ON DATABASE ${name(spec.database)} TO ${name(spec.app)}, ${name(spec.backup)}`);
}

/**
 * Gives the migrator what there is, and the application what it may do with it. Also for the migrator itself, where everything is its own.
 */
export async function applyRights(client: pg.Client, spec: Pick<RolesSpec, "migrator" | "app">): Promise<void> {
  await client.query("BEGIN");
  await adoptObjects(client, spec.migrator);
  const { rows } = await client.query<{ nspname: string }>(
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
  );
  const app = name(spec.app);
  for (const schema of rows.map(({ nspname }) => name(nspname))) {
    await client.query(`REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC, ${app}`);
    await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${app}`);
    await client.query(`REVOKE TRUNCATE, TRIGGER ON ALL TABLES IN SCHEMA ${schema} FROM PUBLIC, ${app}`);
    await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${app}`);
    await client.query(`GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${app}`);
  }
  const future = `ALTER DEFAULT PRIVILEGES FOR ROLE ${name(spec.migrator)} GRANT`;
  await client.query(`${future} SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${app}`);
  await client.query(`${future} USAGE, SELECT, UPDATE ON SEQUENCES TO ${app}`);
  await client.query(`${future} USAGE ON SCHEMAS TO ${app}`);
  await client.query("COMMIT");
}

/** Gives the migrator what others own, so that migrations can change it and a restore can remake it. Extensions keep their own. */
async function adoptObjects(client: pg.Client, migrator: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `WITH extension_member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
          own AS (SELECT oid FROM pg_roles WHERE rolname = $1),
          schema AS (SELECT oid, nspname, nspowner FROM pg_namespace n
                      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
                        AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid))
     SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, $1::text) AS statement
       FROM schema WHERE nspname <> 'public' AND nspowner NOT IN (SELECT oid FROM own)
     UNION ALL
     SELECT format('ALTER %s %s OWNER TO %I',
                   CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                   c.oid::regclass, $1::text)
       FROM pg_class c JOIN schema ON schema.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relowner NOT IN (SELECT oid FROM own)
        AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
     UNION ALL
     SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, $1::text)
       FROM pg_proc p JOIN schema ON schema.oid = p.pronamespace
      WHERE p.proowner NOT IN (SELECT oid FROM own)
        AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
     UNION ALL
     SELECT format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, $1::text)
       FROM pg_type t JOIN schema ON schema.oid = t.typnamespace
      WHERE t.typtype IN ('e', 'd') AND t.typowner NOT IN (SELECT oid FROM own)
        AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)`,
    [migrator],
  );
  for (const { statement } of rows) await client.query(statement);
}
