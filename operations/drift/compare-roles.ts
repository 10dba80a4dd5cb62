import type pg from "pg";
import { databaseAccess, onDatabase } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { scramMatches } from "../database/scram.ts";
import type { RolesSpec } from "../database/spec.ts";
import type { Comparison } from "../coolify/differences.ts";
import type { Context } from "../verb.ts";
import type { Difference, Unobserved } from "./spec.ts";

const connection = { applicationName: "affexai-drift" };

/** What the server says of the roles and their rights: plain facts, so that the comparison is pure. */
export interface RoleFacts {
  readonly roles: readonly {
    readonly name: string;
    readonly superuser: boolean;
    readonly createRole: boolean;
    readonly replication: boolean;
    readonly bypassRls: boolean;
    readonly createDatabase: boolean;
    readonly login: boolean;
    /** Null where the asking role may not see it. */
    readonly verifier: string | null;
  }[];
  /** `member` is in `role`. */
  readonly memberships: readonly { readonly role: string; readonly member: string }[];
  readonly databases: readonly {
    readonly name: string;
    readonly owner: string;
    /** Anybody may connect or create. */
    readonly open: boolean;
    readonly appCreates: boolean;
    readonly connect: readonly string[];
  }[];
  /** `schema.table lacks SELECT`, `schema.table grants TRUNCATE`, `schema x grants CREATE`: what the application's rights should not be. */
  readonly rights: readonly string[];
}

/** Three short reads as the server's administrator. */
export async function compareRoles(spec: RolesSpec, { env }: Pick<Context, "env">): Promise<Comparison> {
  const admin = databaseAccess(env, "ADMIN_DATABASE_URL");
  const server = await withConnection(onDatabase(admin, "postgres"), connection, (client) => readServer(client, spec));
  const rights = server.databases.some(({ name }) => name === spec.database)
    ? await withConnection(onDatabase(admin, spec.database), connection, (client) => readRights(client, spec))
    : [];
  const { MIGRATOR_PASSWORD = "", APP_PASSWORD = "", BACKUP_PASSWORD = "" } = env;
  const passwords = { migrator: MIGRATOR_PASSWORD, app: APP_PASSWORD, backup: BACKUP_PASSWORD };
  return roleDifferences(spec, passwords, { ...server, rights });
}

/** As `applyRoles` leaves them. A freeze is none: it is a setting, and has an end of its own. */
export function roleDifferences(
  spec: RolesSpec,
  passwords: Readonly<Record<"migrator" | "app" | "backup", string>>,
  facts: RoleFacts,
): Comparison {
  const differences: Difference[] = [];
  const unobserved: Unobserved[] = [];
  const tell = (part: string, name: string, declared: string | null, found: string | null) =>
    void differences.push({ part, kind: "role", name, declared, found });
  for (const role of ["migrator", "app", "backup"] as const) {
    const part = `role ${spec[role]}`;
    const found = facts.roles.find(({ name }) => name === spec[role]);
    if (found === undefined) {
      tell(part, "role", spec[role], null);
      continue;
    }
    const attributes = {
      login: true,
      superuser: false,
      createRole: false,
      replication: false,
      bypassRls: role !== "app",
      createDatabase: role === "migrator",
    };
    for (const [name, wanted] of Object.entries(attributes)) {
      const seen = found[name as keyof typeof attributes];
      if (seen !== wanted) tell(part, name, String(wanted), String(seen));
    }
    if (found.verifier === null) unobserved.push({ part, what: "its password", reason: "only a superuser reads it" });
    else if (!scramMatches(found.verifier, passwords[role])) tell(part, "password", "the declared one", "another one");
  }
  const member = (role: string, who: string) =>
    facts.memberships.some((one) => one.role === role && one.member === who);
  for (const [who, role] of [
    [spec.backup, "pg_read_all_data"],
    [spec.migrator, "pg_signal_backend"],
    [spec.migrator, "pg_read_all_stats"],
    [spec.migrator, spec.app],
  ] as const) {
    if (!member(role, who)) tell(`role ${who}`, `member of ${role}`, "true", "false");
  }
  for (const who of [spec.app, spec.backup]) {
    if (member(spec.migrator, who)) tell(`role ${who}`, `member of ${spec.migrator}`, "false", "true");
  }
  for (const name of [spec.database, operationsDatabase(spec.database)]) {
    const part = `database ${name}`;
    const found = facts.databases.find((one) => one.name === name);
    if (found === undefined) {
      tell(part, "database", name, null);
      continue;
    }
    if (found.owner !== spec.migrator) tell(part, "owner", spec.migrator, found.owner);
    if (found.open) tell(part, "rights of PUBLIC", null, "granted");
    if (name !== spec.database) continue;
    if (found.appCreates) tell(part, `${spec.app} may CREATE`, "false", "true");
    for (const who of [spec.app, spec.backup]) {
      if (!found.connect.includes(who)) tell(part, `${who} may CONNECT`, "true", "false");
    }
  }
  for (const right of facts.rights) tell(`role ${spec.app}`, "rights", null, right);
  return { differences, unobserved };
}

async function readServer(client: pg.Client, spec: RolesSpec): Promise<Omit<RoleFacts, "rights">> {
  const names = [spec.migrator, spec.app, spec.backup];
  const { rows: asked } = await client.query<{ superuser: boolean }>(
    "SELECT rolsuper AS superuser FROM pg_roles WHERE rolname = current_user",
  );
  const source = asked[0]?.superuser === true ? "pg_authid" : "pg_roles";
  const verifier = source === "pg_authid" ? "rolpassword" : "NULL";
  const roles = await client.query<RoleFacts["roles"][number]>(
    `SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS "createRole", rolreplication AS replication,
            rolbypassrls AS "bypassRls", rolcreatedb AS "createDatabase", rolcanlogin AS login, ${verifier} AS verifier
       FROM ${source} WHERE rolname = ANY($1)`,
    [names],
  );
  const memberships = await client.query<RoleFacts["memberships"][number]>(
    `SELECT r.rolname AS role, m.rolname AS member FROM pg_auth_members a
       JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ANY($1)`,
    [names],
  );
  const databases = await client.query<RoleFacts["databases"][number]>(
    `SELECT datname AS name, pg_get_userbyid(datdba) AS owner,
            EXISTS (SELECT FROM aclexplode(COALESCE(datacl, acldefault('d', datdba))) WHERE grantee = 0) AS open,
            EXISTS (SELECT FROM pg_roles WHERE rolname = $2 AND has_database_privilege(oid, datname, 'CREATE')) AS "appCreates",
            ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY($3) AND has_database_privilege(oid, datname, 'CONNECT')) AS connect
       FROM pg_database WHERE datname = ANY($1)`,
    [[spec.database, operationsDatabase(spec.database)], spec.app, names],
  );
  return { roles: roles.rows, memberships: memberships.rows, databases: databases.rows };
}

async function readRights(client: pg.Client, { app, migrator }: RolesSpec): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(
    `WITH schema AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
          application AS (SELECT oid FROM pg_roles WHERE rolname = $1),
          tables AS (SELECT c.oid, format('%I.%I', nspname, relname) AS name, relowner FROM pg_class c JOIN schema ON schema.oid = relnamespace
                      WHERE relkind IN ('r', 'p')
                        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
     SELECT format('schema %I grants CREATE', nspname) AS text FROM schema, application a WHERE has_schema_privilege(a.oid, schema.oid, 'CREATE')
     UNION ALL
     SELECT format('schema %I lacks USAGE', nspname) FROM schema, application a WHERE NOT has_schema_privilege(a.oid, schema.oid, 'USAGE')
     UNION ALL
     SELECT format('%s lacks %s', name, right_name) FROM tables, application a, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
      WHERE NOT has_table_privilege(a.oid, tables.oid, right_name)
     UNION ALL
     SELECT format('%s grants %s', name, right_name) FROM tables, application a, unnest(ARRAY['TRUNCATE', 'TRIGGER']) AS right_name
      WHERE has_table_privilege(a.oid, tables.oid, right_name)
     UNION ALL
     SELECT format('%s belongs to %I', name, pg_get_userbyid(relowner)) FROM tables WHERE pg_get_userbyid(relowner) <> $2
     ORDER BY 1`,
    [app, migrator],
  );
  return rows.map(({ text }) => text);
}
