import type pg from "pg";
import { onDatabase, type DatabaseAccess } from "../database/access.ts";
import { clientPrograms } from "../database/client-programs.ts";
import { withConnection } from "../database/connection.ts";
import { spaceProblems } from "../database/free-space.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { isOwn, type Manifest } from "./manifest.ts";
import { assertReadable } from "./open-dump.ts";

export interface Restorable {
  /** Of the database that serves. */
  readonly access: DatabaseAccess;
  readonly store: BackupStore;
  readonly manifest: Manifest;
}

/**
 * Refuses what cannot be restored, with every reason at once and before anything is touched: a backup of another database, a server that is
 * too old or lacks an extension, no pg_restore that is new enough, a dump that is not there or that BACKUP_IDENTITY does not open, and too
 * little space where that can be known: the live database stays, so the restored one comes on top.
 */
export async function assertRestorable({ access, store, manifest }: Restorable, context: Context): Promise<void> {
  await assertReadable(store, manifest, context.env);
  await clientPrograms(context.env, majorOf(manifest.pgDump));
  const problems = [
    // A copy of another environment's data is of a database of that one.
    ...(manifest.database === access.database || !isOwn(manifest)
      ? []
      : [`it is a backup of the database ${manifest.database}, and ${access.variable} names ${access.database}`]),
    ...(await dumpProblems(store, manifest)),
    ...(await withConnection(
      onDatabase(access, operationsDatabase(access.database)),
      { applicationName: "affexai-preflight" },
      async (client) => [
        ...(await serverProblems(client, manifest)),
        ...(await spaceProblems(client, access, { copies: 1, bytes: manifest.dump.plain.bytes }, context)),
      ],
    )),
  ];
  if (problems.length > 0) throw unrestorable(manifest, problems);
}

/** The same for a scratch database on any server: whose backup it is does not matter there. */
export async function assertRestorableOn(
  client: pg.Client,
  { store, manifest }: Omit<Restorable, "access">,
  { env }: Pick<Context, "env">,
): Promise<void> {
  await assertReadable(store, manifest, env);
  await clientPrograms(env, majorOf(manifest.pgDump));
  const problems = [...(await dumpProblems(store, manifest)), ...(await serverProblems(client, manifest))];
  if (problems.length > 0) throw unrestorable(manifest, problems);
}

/** Whether the dump is there, in the length that the manifest says; a phrase for what is wrong. */
export async function dumpProblems(store: BackupStore, { dump }: Manifest): Promise<string[]> {
  const bytes = await store.size(dump);
  if (bytes === null) return [`its dump ${dump.key} is not there`];
  return bytes === dump.bytes ? [] : [`its dump ${dump.key} has ${bytes} bytes instead of ${dump.bytes}`];
}

async function serverProblems(client: pg.Client, { server }: Manifest): Promise<string[]> {
  const { rows } = await client.query<{ version: number; available: string[] }>(
    `SELECT current_setting('server_version_num')::int AS version,
            (SELECT COALESCE(array_agg(name::text), '{}') FROM pg_available_extensions) AS available`,
  );
  const { version = 0, available = [] } = rows[0] ?? {};
  const [had, has] = [Math.floor(server.versionNumber / 10_000), Math.floor(version / 10_000)];
  const missing = server.extensions.map(({ name }) => name).filter((name) => !available.includes(name));
  return [
    ...(has >= had ? [] : [`it was dumped from PostgreSQL ${had}, and the server is the older ${has}`]),
    ...(missing.length === 0 ? [] : [`the server does not have the extension ${missing.join(", ")}`]),
  ];
}

function majorOf(version: string): number {
  return Number(version.split(".")[0]);
}

function unrestorable({ id }: Manifest, problems: readonly string[]): OperationError {
  return new OperationError("refused", {
    where: `backup ${id}`,
    what: `cannot be restored here: ${problems.join("; ")}.`,
    next: "Choose another backup from `affexai backup list`, or correct what is listed; nothing was touched.",
  });
}
