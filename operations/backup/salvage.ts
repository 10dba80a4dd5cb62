import { mkdir, readdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { connect, useConnection, withConnection } from "../database/connection.ts";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { findKept, onOperations } from "./kept.ts";
import { readSalvageTables } from "./salvage-tables.ts";
import { salvageTable, type TableSalvage } from "./salvage-table.ts";
import { SalvageResult, SalvageSpec, type SalvagedTable } from "./spec.ts";

const connection = { applicationName: "affexai-salvage", settings: { idle_in_transaction_session_timeout: "0" } };

/**
 * Exports what a replaced database has and the live one lacks, as CSV that COPY reads again: rows written since the backup that was restored.
 * Both are read in one snapshot each by the role for backups; nothing is written to either. Large objects are not looked at.
 */
export const salvage: Verb<typeof SalvageSpec, typeof SalvageResult> = {
  spec: SalvageSpec,
  result: SalvageResult,
  async run({ from, since = null, out }, context) {
    const migrator = databaseAccess(context.env, "DATABASE_URL");
    const reader = databaseAccess(context.env, "BACKUP_DATABASE_URL");
    const { bytes } = await onOperations(migrator, (client) => findKept(client, migrator, from));
    await prepareFolder(out, bytes, context);
    return withConnection(onDatabase(reader, migrator.database), connection, (live) =>
      onClosed(migrator, onDatabase(reader, from), async (kept) => {
        for (const client of [live, kept]) await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const inLive = new Map((await readSalvageTables(live)).map((table) => [table.name, table]));
        const tables: SalvagedTable[] = [];
        for (const table of await readSalvageTables(kept)) {
          tables.push(await salvageOne({ kept, live, table, liveTable: inLive.get(table.name), since, out }, context));
        }
        const result = { from, out, tables };
        await writeFile(join(out, "summary.json"), `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600 });
        return result;
      }),
    );
  },
};

async function salvageOne(one: TableSalvage, { progress }: Context): Promise<SalvagedTable> {
  return progress.step(`compare ${one.table.name}`, async (inner) => {
    const salvaged = await salvageTable(one);
    const { missing, changed, comparedBy } = salvaged;
    if (missing + changed > 0) inner.note(`${missing} rows are not in the live database, ${changed} are other there`);
    if (comparedBy === "content") inner.note("it has no primary key in both: a changed row counts as missing");
    return salvaged;
  });
}

/** A closed database is opened only for the moment of connecting: the session stays when it is closed again. */
async function onClosed<T>(
  migrator: DatabaseAccess,
  access: DatabaseAccess,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const allow = (allowed: boolean) =>
    onOperations(migrator, (client) =>
      client.query(`ALTER DATABASE ${pg.escapeIdentifier(access.database)} ALLOW_CONNECTIONS ${allowed}`),
    );
  await allow(true);
  return useConnection(access, await connect(access, connection).finally(() => allow(false)), work);
}

async function prepareFolder(out: string, bytes: number, { progress }: Context): Promise<void> {
  await mkdir(out, { recursive: true, mode: 0o700 });
  const names = await readdir(out);
  if (names.length > 0) {
    throw new OperationError("refused", {
      where: out,
      what: `is not empty: it has ${names[0] ?? ""}.`,
      next: "Name an empty folder, or one that does not exist yet.",
    });
  }
  const { bavail, bsize } = await statfs(out);
  if (bavail * bsize < bytes) progress.note(`${out} has ${bavail * bsize} bytes free; the kept database has ${bytes}`);
}
