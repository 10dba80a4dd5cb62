import { randomBytes } from "node:crypto";
import pg from "pg";
import type { BackupStore } from "../../backup/backup-store.ts";
import type { Manifest } from "../../backup/manifest.ts";
import { dropDatabase, restoreBeside } from "../../backup/restore-beside.ts";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../../database/access.ts";
import { withConnection } from "../../database/connection.ts";
import { lockName, runName } from "../../database/lock.ts";
import { OperationError } from "../../error.ts";
import type { Context } from "../../verb.ts";

/** Names the server for rehearsals; its role needs CREATEDB, and the database that it names has to be empty. */
export const rehearsalVariable = "REHEARSAL_DATABASE_URL";

/** A server may say of itself that live databases on it do not matter: `-c affexai.scratch_server=on`, or a setting of the role. */
const scratchSetting = "affexai.scratch_server";
const prefix = "affexai_rehearsal_";
const restoreLimitMs = 24 * 3_600_000;

/** A database that nobody uses, made for one rehearsal. */
export interface Scratch {
  readonly access: DatabaseAccess;
  /** Names the rehearsal's connections and its databases. */
  readonly runId: string;
  /** Id of the backup that it was restored from, or null. */
  readonly backup: string | null;
}

export interface RestoredFrom {
  readonly store: BackupStore;
  readonly manifest: Manifest;
}

/**
 * Lends scratch databases while `work` runs, each new, and drops them afterwards. Those that a killed rehearsal left are dropped first.
 * Refused: a server with live databases, and one whose named database holds anything.
 */
export async function withScratchServer<T>(
  context: Context,
  work: (make: (from: RestoredFrom | null) => Promise<Scratch>) => Promise<T>,
): Promise<T> {
  const access = databaseAccess(context.env, rehearsalVariable);
  const runId = randomBytes(6).toString("hex");
  // While this connection lasts, the run is alive: who sweeps asks for its name.
  const options = { applicationName: lockName(runId), settings: { idle_session_timeout: "0" } };
  return withConnection(access, options, async (client) => {
    await assertScratch(client, access);
    await dropAbandoned(client, context);
    const made: string[] = [];
    const make = async (from: RestoredFrom | null): Promise<Scratch> => {
      const database = `${prefix}${runId}_${made.length + 1}`;
      made.push(database);
      if (from === null) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} TEMPLATE template0`);
      else await restore(from, { access, database, runId }, context);
      return { access: onDatabase(access, database), runId, backup: from?.manifest.id ?? null };
    };
    try {
      return await work(make);
    } finally {
      for (const database of made) await dropDatabase(client, database);
    }
  });
}

async function restore(
  { store, manifest }: RestoredFrom,
  { access, database, runId }: { access: DatabaseAccess; database: string; runId: string },
  context: Context,
): Promise<void> {
  await restoreBeside(
    {
      ...{ access, store, manifest, target: database, applicationName: runName(runId) },
      ...{ maintenance: access.database, withoutRoles: true, timeoutMs: restoreLimitMs },
    },
    context,
  );
}

/** A rehearsal changes no database that exists; but its load and its disk space are the server's. */
async function assertScratch(client: pg.Client, access: DatabaseAccess): Promise<void> {
  const { rows } = await client.query<{
    declared: boolean;
    createdb: boolean;
    relation: string | null;
    live: string[];
  }>(
    `SELECT COALESCE(current_setting($1, true), '') = 'on' AS declared,
            (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user) AS createdb,
            (SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              ORDER BY c.oid LIMIT 1) AS relation,
            ARRAY(SELECT d.datname::text FROM pg_database d JOIN pg_database o ON o.datname = d.datname || '_ops' ORDER BY 1) AS live`,
    [scratchSetting],
  );
  const [found] = rows;
  const { declared = false, createdb = false, relation = null, live = [] } = found ?? {};
  const problems = [
    ...(createdb ? [] : [`${access.user} may not create databases (CREATEDB)`]),
    ...(relation === null ? [] : [`the database ${access.database} is not empty: it has ${relation}`]),
    ...(declared || live.length === 0 ? [] : [`the server holds live databases: ${live.join(", ")}`]),
  ];
  if (problems.length === 0) return;
  throw new OperationError("refused", {
    where: rehearsalVariable,
    what: `is no scratch server: ${problems.join("; ")}.`,
    next: `Name an empty database of a server for rehearsals, as a role with CREATEDB, or start the server with ${scratchSetting}=on. Nothing was touched.`,
  });
}

/** The databases of rehearsals whose process is gone. */
async function dropAbandoned(client: pg.Client, { progress }: Context): Promise<void> {
  const { rows } = await client.query<{ database: string }>(
    `SELECT d.datname::text AS database FROM pg_database d
      WHERE d.datname ~ $1 AND pg_has_role(d.datdba, 'MEMBER')
        AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name = $2 || split_part(d.datname, '_', 3))`,
    [`^${prefix}[0-9a-f]{12}_\\d+$`, lockName("")],
  );
  for (const { database } of rows) {
    await dropDatabase(client, database);
    progress.note(`${database} was left by a rehearsal that was killed, and is dropped`);
  }
}
