import pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { onDatabase, type DatabaseAccess } from "../database/access.ts";
import type { BackupStore } from "./backup-store.ts";
import { libpqEnvironment, withConnection } from "../database/connection.ts";
import { differencesFromManifest } from "./compare-with-manifest.ts";
import { feedPgRestore } from "./feed-pg-restore.ts";
import type { Manifest } from "./manifest.ts";
import { assertReadable } from "./open-dump.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { makeStatistics } from "../database/statistics.ts";
import { restoreFromFile } from "./restore-from-file.ts";

export interface RestoreRequest {
  /** Who restores; becomes the owner. */
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly store: BackupStore;
  readonly manifest: Manifest;
  /** The database to make; must not exist. */
  readonly target: string;
  readonly timeoutMs: number;
  /** The database that the target is made and dropped from. By default the operations database of `access`. */
  readonly maintenance?: string;
  /** Leave owners and rights out: for a server that has none of the roles. */
  readonly withoutRoles?: boolean;
  /** A folder of this machine for the dump, which pg_restore then reads with several jobs. Without one the dump is streamed. */
  readonly local?: string;
}

/** Wall-clock seconds. Restoring includes the download; verifying includes the planner's statistics. */
export interface RestoreTimes {
  readonly restoreSeconds: number;
  readonly verifySeconds: number;
}

/**
 * Restores a backup into a new database and compares it with the manifest: every row, the schema, the history. The
 * database that serves is not touched. A restore that fails or differs leaves nothing behind.
 */
export async function restoreBeside(request: RestoreRequest, context: Context): Promise<RestoreTimes> {
  const { access, target, manifest } = request;
  const maintenance = onDatabase(access, request.maintenance ?? operationsDatabase(access.database));
  const options = { applicationName: request.applicationName };
  await assertReadable(request.store, manifest, context.env);
  const began = performance.now();
  const settings = await withConnection(maintenance, options, async (client) => {
    // Asked first: a failure after it would leave the database behind.
    const told = await restoreSettings(client);
    await createEmpty(client, access, target, manifest);
    return told;
  });
  try {
    await context.progress.step(`restore ${manifest.id} into ${target}`, (progress) =>
      bringIn(request, settings, { ...context, progress }),
    );
    const restored = performance.now();
    await verify(request, context);
    return { restoreSeconds: seconds(restored - began), verifySeconds: seconds(performance.now() - restored) };
  } catch (error) {
    await withConnection(maintenance, options, (client) => dropDatabase(client, target)).catch((reason: unknown) => {
      // The next run drops it: its run's id is in the name.
      context.progress.note(`${target} was left behind: ${String(reason)}`);
    });
    throw error;
  }
}

/** Compares while the statistics are made: the planner needs none to read whole tables. */
async function verify(
  { access, target, manifest, applicationName }: RestoreRequest,
  { progress }: Context,
): Promise<void> {
  const database = onDatabase(access, target);
  // Compiling a query takes longer than what it saves on one pass over a table.
  const options = { applicationName, settings: { jit: "off", work_mem: "64MB" } };
  const [analysed, compared] = await Promise.allSettled([
    progress.step("statistics", () => withConnection(database, options, makeStatistics)),
    progress.step("compare with the manifest", () =>
      withConnection(database, options, async (client) => {
        const differences = await differencesFromManifest(client, manifest);
        if (differences.length > 0) throw different(target, manifest, differences);
      }),
    ),
  ]);
  if (compared.status === "rejected") throw compared.reason;
  if (analysed.status === "rejected") throw analysed.reason;
}

/**
 * Drops a database that no application uses, ending what is still connected to it. Dropping waits for every backend of the server, also for
 * one that hangs: after two minutes it fails, and can be tried again.
 */
export async function dropDatabase(client: pg.Client, database: string): Promise<void> {
  await client.query("SET statement_timeout = '120s'");
  try {
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
  } finally {
    await client.query("RESET statement_timeout").catch(() => undefined);
  }
}

/** Milliseconds as seconds, to the millisecond. */
export function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}

async function createEmpty(
  client: pg.Client,
  access: DatabaseAccess,
  target: string,
  { server }: Manifest,
): Promise<void> {
  const text = pg.escapeLiteral;
  // template0, because template1 may hold objects that the dump brings too. Locale and encoding are fixed when a database is made.
  const locale = [
    `LOCALE_PROVIDER ${server.localeProvider}`,
    `ENCODING ${text(server.encoding)}`,
    `LC_COLLATE ${text(server.collate)}`,
    `LC_CTYPE ${text(server.ctype)}`,
    ...(server.icuLocale === null
      ? []
      : [`${server.localeProvider === "builtin" ? "BUILTIN" : "ICU"}_LOCALE ${text(server.icuLocale)}`]),
  ];
  await client.query(
    `CREATE DATABASE ${pg.escapeIdentifier(target)} OWNER ${pg.escapeIdentifier(access.user)} TEMPLATE template0 ${locale.join(" ")}`,
  );
  await client.query(`REVOKE ALL ON DATABASE ${pg.escapeIdentifier(target)} FROM PUBLIC`);
}

/**
 * What pg_restore's sessions are told. No statement waits for the disk: the commit of the swap writes all that came before it. Long values
 * are compressed with lz4 where the server has it, which is PostgreSQL's own default from 19 on: it takes a tenth off a restore in which one
 * row in a hundred is long. Indexes are made with the server's own maintenance_work_mem: four times the default gained nothing on 4 nor on
 * 20 million rows.
 */
async function restoreSettings(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lz4: boolean }>(
    "SELECT 'lz4' = ANY (enumvals) AS lz4 FROM pg_settings WHERE name = 'default_toast_compression'",
  );
  return `-c synchronous_commit=off${rows[0]?.lz4 === true ? " -c default_toast_compression=lz4" : ""}`;
}

async function bringIn(
  { access, applicationName, store, manifest, target, timeoutMs, withoutRoles = false, local }: RestoreRequest,
  settings: string,
  context: Context,
): Promise<void> {
  const connection = await libpqEnvironment(onDatabase(access, target), applicationName);
  const restore = {
    store,
    manifest,
    // Without --exit-on-error it goes on after errors and only says so at the end.
    arguments: [
      ...["--exit-on-error", "--no-password", `--dbname=${target}`],
      ...(withoutRoles ? ["--no-owner", "--no-acl"] : []),
    ],
    connection: { ...connection, PGOPTIONS: `${connection.PGOPTIONS ?? ""} ${settings}` },
    timeoutMs,
  };
  if (local === undefined) await feedPgRestore(restore, context);
  else await restoreFromFile({ ...restore, folder: local }, context);
}

function different(target: string, manifest: Manifest, differences: readonly string[]): OperationError {
  return new OperationError("failed", {
    where: `database ${target}`,
    what: `is not what the manifest of ${manifest.id} says: ${differences.join("; ")}.`,
    next: "It was dropped and nothing else was touched. Use another backup.",
  });
}
