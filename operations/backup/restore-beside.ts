import pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { onDatabase, type DatabaseAccess } from "../database/access.ts";
import type { BackupStore } from "./backup-store.ts";
import { libpqEnvironment, withConnection } from "../database/connection.ts";
import { readContents } from "../database/content.ts";
import { feedPgRestore } from "./feed-pg-restore.ts";
import { readFingerprint } from "../database/fingerprint.ts";
import { readHistory } from "../database/history.ts";
import { readIntegrity } from "../database/integrity.ts";
import type { Manifest } from "./manifest.ts";
import { operationsDatabase } from "../database/operations-database.ts";

export interface RestoreRequest {
  /** The migrator's, on the application's database. */
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly store: BackupStore;
  readonly manifest: Manifest;
  /** The database to make; must not exist. */
  readonly target: string;
  readonly timeoutMs: number;
}

/**
 * Restores a backup into a new database and compares it with the manifest: every row, the schema, the history, the foreign keys. The
 * database that serves is not touched. A restore that fails or differs leaves nothing behind.
 */
export async function restoreBeside(request: RestoreRequest, context: Context): Promise<void> {
  const { access, target, manifest } = request;
  const maintenance = onDatabase(access, operationsDatabase(access.database));
  const options = { applicationName: request.applicationName };
  await withConnection(maintenance, options, (client) => createEmpty(client, access, target, manifest));
  try {
    await context.progress.step(`restore ${manifest.id} into ${target}`, () => streamIn(request, context));
    await withConnection(onDatabase(access, target), options, async (client) => {
      await context.progress.step("statistics", () => client.query("ANALYZE"));
      await context.progress.step("compare with the manifest", () => compare(client, manifest, target));
    });
  } catch (error) {
    await withConnection(maintenance, options, (client) => dropDatabase(client, target)).catch((reason: unknown) => {
      // The next run drops it: its run's id is in the name.
      context.progress.note(`${target} was left behind: ${String(reason)}`);
    });
    throw error;
  }
}

/** Drops a database that no application uses, ending what is still connected to it. */
export async function dropDatabase(client: pg.Client, database: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
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

async function streamIn(
  { access, applicationName, store, manifest, target, timeoutMs }: RestoreRequest,
  context: Context,
): Promise<void> {
  await feedPgRestore(
    {
      store,
      manifest,
      // Without --exit-on-error it goes on after errors and only says so at the end.
      arguments: ["--exit-on-error", "--no-password", `--dbname=${target}`],
      connection: await libpqEnvironment(onDatabase(access, target), applicationName),
      timeoutMs,
    },
    context,
  );
}

async function compare(client: pg.Client, manifest: Manifest, target: string): Promise<void> {
  const differences: string[] = [];
  const restored = new Map((await readContents(client)).map((content) => [content.table, content]));
  for (const { table, rows, hash } of manifest.tables) {
    const found = restored.get(table);
    if (found === undefined) differences.push(`${table} is missing`);
    else if (found.rows !== rows) differences.push(`${table} has ${found.rows} rows instead of ${rows}`);
    else if (found.hash !== hash) differences.push(`${table} has other content`);
  }
  if ((await readFingerprint(client, manifest.historyTable)).sha256 !== manifest.fingerprint)
    differences.push("the schema differs");
  const history = (await readHistory(client, manifest.historyTable)).map(({ name }) => name);
  if (history.join() !== manifest.migrations.join()) differences.push("the history of migrations differs");
  const { brokenForeignKeys, laggingSequences } = await readIntegrity(client);
  differences.push(...brokenForeignKeys.map((key) => `foreign key ${key} point at nothing`), ...laggingSequences);
  if (differences.length === 0) return;
  throw new OperationError("failed", {
    where: `database ${target}`,
    what: `is not what the manifest of ${manifest.id} says: ${differences.join("; ")}.`,
    next: "It was dropped and nothing else was touched. Use another backup.",
  });
}
