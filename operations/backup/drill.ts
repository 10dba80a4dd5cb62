import { randomBytes } from "node:crypto";
import type pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { backupStore, dumpLimitMs, type BackupStore } from "./backup-store.ts";
import { recordDrill } from "./drill-record.ts";
import { summary, type Manifest } from "./manifest.ts";
import { dropDatabase, restoreBeside, seconds } from "./restore-beside.ts";
import { drillName } from "./restored-names.ts";
import { assertRestorableOn, dumpProblems } from "./restore-preflight.ts";
import { BackupDrillResult, BackupDrillSpec } from "./spec.ts";

// Idle while the dump comes in, for hours perhaps.
const lockConnection = { applicationName: "affexai-drill-lock", settings: { idle_session_timeout: "0" } };

/** Where a drill makes its scratch database. */
interface Place {
  /** On the database that it is made and dropped from. */
  readonly access: DatabaseAccess;
  /** The server of DRILL_DATABASE_URL, which need not have the roles that own things in the backup. */
  readonly elsewhere: boolean;
}

/**
 * Proves a backup by restoring it: into a scratch database that is made for it, compared with the manifest row by row, and dropped. What it
 * took is recorded in the bucket, and so is that a backup turned out to be none. No existing database is ever restored into. One drill at a time on a database; the scratch of one that was
 * killed is dropped by the next.
 */
export const drillBackup: Verb<typeof BackupDrillSpec, typeof BackupDrillResult> = {
  spec: BackupDrillSpec,
  result: BackupDrillResult,
  async run(spec, context) {
    const place = placeOf(context.env);
    const store = backupStore(spec, context);
    const manifest = await store.find(spec.id);
    return withConnection(place.access, lockConnection, async (client) => {
      if (place.elsewhere) await assertHarmless(client, place.access, context.env);
      await takeTurn(client, manifest.database);
      await dropDeadScratches(client, manifest.database, context);
      try {
        await assertRestorableOn(client, { store, manifest }, context);
        const drill = await context.progress.step(`drill ${manifest.id}, taken at ${manifest.takenAt}`, (progress) =>
          measure(place, { client, store, manifest, local: spec.local }, { ...context, progress }),
        );
        await recordDrill(store, drill);
        return drill;
      } catch (error) {
        const why = await flaw(store, manifest, error);
        if (why !== null && !context.signal.aborted) {
          await recordDrill(store, { id: manifest.id, drilledAt: new Date().toISOString(), why });
        }
        throw error;
      }
    });
  },
};

/** What a failure says of the backup; null when it says nothing, because the server, the storage or the programs were not fit for a drill. */
async function flaw(store: BackupStore, manifest: Manifest, failure: unknown): Promise<string | null> {
  if (!(failure instanceof OperationError)) return null;
  if (failure.kind === "failed") return failure.text.what;
  const problems = await dumpProblems(store, manifest).catch(() => []);
  return problems.length === 0 ? null : problems.join("; ");
}

async function measure(
  { access, elsewhere }: Place,
  { client, store, manifest, local }: { client: pg.Client; store: BackupStore; manifest: Manifest; local?: string },
  context: Context,
): Promise<BackupDrillResult> {
  const run = randomBytes(6).toString("hex");
  const target = drillName(manifest.database, run);
  const began = performance.now();
  const times = await restoreBeside(
    {
      ...{ access, store, manifest, target, local },
      applicationName: `affexai-drill-${run}`,
      maintenance: access.database,
      withoutRoles: elsewhere,
      timeoutMs: dumpLimitMs,
    },
    context,
  );
  const rtoSeconds = seconds(performance.now() - began);
  await dropDatabase(client, target);
  const drilledAt = new Date();
  return {
    id: manifest.id,
    takenAt: manifest.takenAt,
    rows: summary(manifest).rows,
    ...times,
    rpoSeconds: seconds(drilledAt.getTime() - Date.parse(manifest.takenAt)),
    rtoSeconds,
    drilledAt: drilledAt.toISOString(),
  };
}

function placeOf(env: Context["env"]): Place {
  if (env.DRILL_DATABASE_URL) return { access: databaseAccess(env, "DRILL_DATABASE_URL"), elsewhere: true };
  const live = databaseAccess(env, "DATABASE_URL");
  return { access: onDatabase(live, operationsDatabase(live.database)), elsewhere: false };
}

/** A drill changes nothing in the database that its URL names; but who names one with anything in it meant something else. */
async function assertHarmless(client: pg.Client, access: DatabaseAccess, env: Context["env"]): Promise<void> {
  const live = env.DATABASE_URL ? databaseAccess(env, "DATABASE_URL").database : null;
  const { rows } = await client.query<{ relation: string }>(
    `SELECT c.oid::regclass::text AS relation FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' LIMIT 1`,
  );
  const problems = [
    ...(access.database === live ? [`names ${live}, which is the name of the live database`] : []),
    ...rows.map(({ relation }) => `names ${access.database}, which is not empty: it has ${relation}`),
  ];
  if (problems.length === 0) return;
  throw new OperationError("refused", {
    where: "DRILL_DATABASE_URL",
    what: `${problems.join("; ")}.`,
    next: "Name an empty database on a server for drills, as a role with CREATEDB; nothing was touched.",
  });
}

/** The lock ends with the connection, so that a killed drill leaves none. */
async function takeTurn(client: pg.Client, database: string): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(
    "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
    [`affexai-drill:${database}`],
  );
  if (rows[0]?.taken === true) return;
  throw new OperationError("refused", {
    where: `database ${database}`,
    what: "another drill of it is under way on this server.",
    next: "Wait for it to end and run again; nothing was touched.",
  });
}

/** Under the lock every scratch database is a dead one's. */
async function dropDeadScratches(client: pg.Client, database: string, { progress }: Context): Promise<void> {
  const { rows } = await client.query<{ datname: string }>("SELECT datname::text FROM pg_database WHERE datname ~ $1", [
    `^${drillName(database, "[0-9a-f]{12}")}$`,
  ]);
  for (const { datname } of rows) {
    await progress.step(`drop ${datname}, left by a drill that was killed`, () => dropDatabase(client, datname));
  }
}
