import type pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { RunAccess } from "../database/access.ts";
import { encryptionOf, hasIdentity } from "../backup/encryption.ts";
import { clientPrograms } from "../database/client-programs.ts";
import { withConnection } from "../database/connection.ts";
import { spaceProblems } from "../database/free-space.ts";
import type { MigrationSpec } from "./spec.ts";

interface Facts {
  readonly serverMajor: number;
  readonly problems: readonly string[];
}

interface Candidate {
  readonly spec: MigrationSpec;
  readonly access: RunAccess;
  readonly applicationName: string;
  /** False when it goes on from what a killed run began: what may be short by now was used by that one, and nobody is to stay frozen. */
  readonly begins: boolean;
}

const clockSkewSeconds = 120;

/** A restore beside a database that the migrations of a release in maintenance may have written anew. */
const wayBack = { copies: 2 };

/**
 * Looks at everything that would stop a migration half-way, before anything is touched: the client programs, the roles and their
 * rights, what the backup role cannot read, the clock, and the space of the way back. Throws one OperationError (refused) with all of it.
 */
export async function preflight({ spec, access, applicationName, begins }: Candidate, context: Context): Promise<void> {
  const { serverMajor, problems } = await withConnection(access.migrator, { applicationName }, async (client) => ({
    serverMajor: await readServerMajor(client),
    problems: [
      ...checkSpec(spec, access),
      ...checkKeys(spec, context.env),
      ...(await checkRoles(client, spec, access)),
      ...(await checkClock(client)),
      ...(await checkReadable(client, access.backup.user)),
      ...(begins && spec.record.maintenance ? await spaceProblems(client, access.migrator, wayBack, context) : []),
    ],
  }));
  await withConnection(access.backup, { applicationName }, () => Promise.resolve());
  const programs = await clientPrograms(context.env, serverMajor).catch((error: unknown) => {
    if (error instanceof OperationError && problems.length > 0) return error;
    throw error;
  });
  const all = [...problems, ...(programs instanceof OperationError ? [programs.text.what.replace(/\.$/, "")] : [])];
  if (all.length === 0) return;
  throw new OperationError("refused", {
    where: `database ${access.migrator.database}`,
    what: `is not ready for a migration:\n${all.map((problem) => `  - ${problem}`).join("\n")}\n`,
    next: "Correct all of it (`affexai roles apply` sets the roles right); nothing was touched.",
  });
}

type Access = Candidate["access"];

function checkSpec(spec: MigrationSpec, { migrator, backup }: Access): string[] {
  const sameServer =
    migrator.host === backup.host && migrator.port === backup.port && migrator.database === backup.database;
  return [
    ...(sameServer ? [] : ["DATABASE_URL and BACKUP_DATABASE_URL name different databases"]),
    ...(spec.lockTimeoutSeconds <= spec.statementTimeoutSeconds
      ? []
      : ["lockTimeoutSeconds is longer than statementTimeoutSeconds, so it would never be reached"]),
    ...(spec.record.id === spec.stamp.id
      ? []
      : [`the record is of ${spec.record.id} and the stamp of ${spec.stamp.id}`]),
  ];
}

/** During maintenance the way back is automatic, so what it needs has to be there before anybody is frozen. */
function checkKeys({ record }: MigrationSpec, env: Context["env"]): string[] {
  if (!record.maintenance || encryptionOf(env) === null || hasIdentity(env)) return [];
  return ["BACKUP_RECIPIENTS is set and BACKUP_IDENTITY is not, so the backup could not be restored by this run"];
}

async function readServerMajor(client: pg.Client): Promise<Facts["serverMajor"]> {
  const { rows } = await client.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return Math.floor((rows[0]?.version ?? 0) / 10_000);
}

async function checkRoles(client: pg.Client, { app }: MigrationSpec, { migrator, backup }: Access): Promise<string[]> {
  const { rows } = await client.query<{
    role: string;
    superuser: boolean;
    createdb: boolean;
    owner: boolean;
    signals: boolean;
    actsAsApp: boolean;
    isMigrator: boolean;
    reads: boolean;
  }>(
    `SELECT r.rolname::text AS role, r.rolsuper AS superuser, r.rolcreatedb AS createdb,
            pg_has_role(r.oid, d.datdba, 'MEMBER') AS owner, pg_has_role(r.oid, 'pg_signal_backend', 'MEMBER') AS signals,
            COALESCE(pg_has_role(r.oid, (SELECT oid FROM pg_roles WHERE rolname = $2), 'MEMBER'), false) AS "actsAsApp",
            pg_has_role(r.oid, $1, 'MEMBER') AS "isMigrator", pg_has_role(r.oid, 'pg_read_all_data', 'MEMBER') AS reads
       FROM pg_roles r, pg_database d WHERE d.datname = current_database() AND r.rolname IN ($1, $2, $3)`,
    [migrator.user, app, backup.user],
  );
  const of = (role: string) => rows.find((one) => one.role === role);
  const [owner, application, reader] = [of(migrator.user), of(app), of(backup.user)];
  return [
    ...(application === undefined ? [`the role ${app} does not exist`] : []),
    ...(application?.superuser === true
      ? [`the application connects as ${app}, a superuser, who may change the schema`]
      : []),
    ...(application?.superuser === false && (application.isMigrator || application.owner)
      ? [`${app} has the rights of ${migrator.user}, and may change the schema`]
      : []),
    ...(owner?.owner === true ? [] : [`${migrator.user} does not own the database, so it could not swap it`]),
    ...(owner?.createdb === true || owner?.superuser === true
      ? []
      : [`${migrator.user} may not create a database to restore into`]),
    ...(owner?.signals === true ? [] : [`${migrator.user} may not end sessions (pg_signal_backend)`]),
    ...(application === undefined || owner?.actsAsApp === true
      ? []
      : [`${migrator.user} may not act as ${app} to freeze its writes`]),
    ...(reader?.reads === true || reader?.superuser === true
      ? []
      : [`${backup.user} may not read all data (pg_read_all_data)`]),
  ];
}

/** Ages of backups are told by the server's clock and judged by ours. */
async function checkClock(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  const skew = Math.round(Math.abs(Date.now() - (rows[0]?.now.getTime() ?? 0)) / 1000);
  return skew <= clockSkewSeconds ? [] : [`the server's clock and this machine's differ by ${skew} s`];
}

/** pg_read_all_data covers neither tables with row security nor, up to PostgreSQL 16, large objects. */
async function checkReadable(client: pg.Client, backup: string): Promise<string[]> {
  const { rows } = await client.query<{ bypass: boolean; secured: string[]; largeObjects: boolean }>(
    `SELECT r.rolbypassrls OR r.rolsuper AS bypass, r.rolsuper OR NOT EXISTS (SELECT FROM pg_largeobject_metadata
              WHERE NOT pg_has_role(r.oid, lomowner, 'USAGE')) AS "largeObjects",
            ARRAY(SELECT c.oid::regclass::text FROM pg_class c WHERE c.relrowsecurity ORDER BY 1) AS secured
       FROM pg_roles r WHERE r.rolname = $1`,
    [backup],
  );
  const [can] = rows;
  if (can === undefined) return [`the role ${backup} does not exist`];
  return [
    ...(can.bypass || can.secured.length === 0 ? [] : [`${backup} needs BYPASSRLS to dump ${can.secured.join(", ")}`]),
    ...(can.largeObjects ? [] : [`${backup} cannot read the large objects of other roles, so it cannot dump them`]),
  ];
}
