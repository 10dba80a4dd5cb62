import { z } from "zod";
import type { DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";
import { countRows, readProtected } from "./content.ts";
import { readFingerprint } from "./fingerprint.ts";
import { readHistory } from "./history.ts";
import { integrityLosses, readIntegrity } from "./integrity.ts";
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
  integrity: z.object({
    brokenForeignKeys: z.array(z.string()).readonly(),
    invalidIndexes: z.array(z.string()).readonly(),
    laggingSequences: z.array(z.string()).readonly(),
  }),
});
export type State = z.infer<typeof State>;

/** Reads the state in one snapshot. */
export async function readState(
  access: DatabaseAccess,
  applicationName: string,
  { historyTable, protectedTables }: { historyTable: string; protectedTables: readonly ProtectedTable[] },
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
      integrity: await readIntegrity(client),
    };
  });
}

export interface Allowance {
  /** Nobody else could write between the two states: data is compared only then. */
  readonly frozen: boolean;
  /** Rows that may be missing afterwards, by qualified table. */
  readonly allowedDeletes: Readonly<Record<string, number>>;
}

/** What was lost between two states, a phrase each; empty when nothing was. */
export function losses(before: State, after: State, { frozen, allowedDeletes }: Allowance): string[] {
  const found = integrityLosses(before.integrity, after.integrity);
  const counts = new Map(after.counts.map((count) => [count.table, count.rows]));
  const contents = new Map(after.protected.map((content) => [content.table, content]));
  for (const { table, columns, rows, hash } of before.protected) {
    const now = contents.get(table);
    const gone = columns.filter((column) => now?.columns.includes(column) !== true);
    if (gone.length > 0) found.push(`the protected ${gone.map((column) => `${table}.${column}`).join(", ")} is gone`);
    else if (frozen && (now?.rows !== rows || now.hash !== hash))
      found.push(`the protected content of ${table} changed`);
  }
  if (!frozen) return found;
  for (const { table, rows } of before.counts) {
    const now = counts.get(table) ?? 0;
    if (rows - now > (allowedDeletes[table] ?? 0) && !table.endsWith(`.${before.historyTable}`)) {
      found.push(`${table} had ${rows} rows and has ${counts.has(table) ? now : "none: the table is gone"}`);
    }
  }
  return found;
}

/** Whether two states are the same in everything that can be told: the data too, when nobody could write meanwhile. */
export function isSame(before: State, after: State, frozen: boolean): boolean {
  const schema = before.fingerprint === after.fingerprint && before.history.join() === after.history.join();
  if (!schema || !frozen) return schema;
  const rows = ({ counts, historyTable }: State) =>
    JSON.stringify(
      counts.filter(({ table }) => !table.endsWith(`.${historyTable}`)).map((one) => [one.table, one.rows]),
    );
  return rows(before) === rows(after) && JSON.stringify(before.protected) === JSON.stringify(after.protected);
}
