import { z } from "zod";
import type { DatabaseAccess } from "./access.ts";
import { ColumnContents, readColumnContents } from "./column-content.ts";
import { withConnection } from "./connection.ts";
import { countRows, readProtected } from "./content.ts";
import { readFingerprint } from "./fingerprint.ts";
import { readHistory } from "./history.ts";
import { readIntegrity } from "./integrity.ts";
import type { ProtectedTable } from "./spec.ts";

const Content = z.object({
  table: z.string(),
  columns: z.array(z.string()).readonly(),
  rows: z.int(),
  hash: z.string().nullable(),
});

/** What a database is like at one moment: what is compared before and after a migration. */
export const State = z.object({
  historyTable: z.string(),
  fingerprint: z.string(),
  /** What the fingerprint is of, a line for each object and part. */
  schema: z.array(z.string()).readonly(),
  /** Names of the executed migrations in their order. */
  history: z.array(z.string()).readonly(),
  counts: z.array(Content).readonly(),
  /** Content of the protected tables over their declared columns, as far as those exist. */
  protected: z.array(Content).readonly(),
  /** The content of every table, column by column; null when others could write, and a comparison would tell nothing. */
  contents: ColumnContents.nullable().default(null),
  integrity: z.object({
    brokenForeignKeys: z.array(z.string()).readonly(),
    invalidIndexes: z.array(z.string()).readonly(),
    unvalidatedConstraints: z.array(z.string()).readonly().default([]),
    laggingSequences: z.array(z.string()).readonly(),
  }),
});
export type State = z.infer<typeof State>;

export interface StateRequest {
  readonly historyTable: string;
  readonly protectedTables: readonly ProtectedTable[];
  /** `all`: the content of every column of every table. Earlier contents: the same, to be compared with those. Nothing unless given. */
  readonly contents?: "all" | ColumnContents | null;
}

/** What has to be read to compare with an earlier state. */
export function likeState({ historyTable, protected: protectedTables, contents }: State): StateRequest {
  return {
    historyTable,
    protectedTables: protectedTables.map(({ table, columns }) => ({ table, columns: [...columns] })),
    contents,
  };
}

/** Reads the state in one snapshot. */
export async function readState(
  access: DatabaseAccess,
  applicationName: string,
  { historyTable, protectedTables, contents = null }: StateRequest,
): Promise<State> {
  return withConnection(access, { applicationName }, async (client) => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const { sha256, catalog } = await readFingerprint(client, historyTable);
    return {
      historyTable,
      fingerprint: sha256,
      schema: catalog.lines,
      history: (await readHistory(client, historyTable)).map(({ name }) => name),
      counts: await countRows(client),
      protected: await readProtected(client, protectedTables),
      contents: contents === null ? null : await readColumnContents(client, contents === "all" ? null : contents),
      integrity: await readIntegrity(client),
    };
  });
}

/** Whether two states are the same in everything that can be told: the data too, when nobody could write meanwhile. */
export function isSame(before: State, after: State, frozen: boolean): boolean {
  const schema = before.fingerprint === after.fingerprint && before.history.join() === after.history.join();
  if (!schema || !frozen) return schema;
  const rows = ({ counts }: State) => JSON.stringify(counts.filter(notHistory).map((one) => [one.table, one.rows]));
  const contents = ({ contents: all }: State) =>
    JSON.stringify(all?.tables.filter(notHistory).map(({ table, columns }) => [table, columns]));
  const notHistory = ({ table }: { readonly table: string }) => !table.endsWith(`.${before.historyTable}`);
  const alike = before.contents === null || after.contents === null || contents(before) === contents(after);
  return alike && rows(before) === rows(after) && JSON.stringify(before.protected) === JSON.stringify(after.protected);
}
