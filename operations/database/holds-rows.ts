import type pg from "pg";
import { listTables, qualified } from "./content.ts";
import type { State } from "./state.ts";

/** Whether any table but TypeORM's own has a row: whether there is anything to lose. */
export async function holdsRows(client: pg.Client, historyTable: string): Promise<boolean> {
  for (const { table } of await listTables(client)) {
    if (isTypeorms(table, historyTable)) continue;
    const { rows } = await client.query<{ found: boolean }>(`SELECT EXISTS (SELECT FROM ONLY ${table}) AS found`);
    if (rows[0]?.found === true) return true;
  }
  return false;
}

/** `holdsRows`, of a state that was read earlier. */
export function hadRows({ historyTable, counts }: Pick<State, "historyTable" | "counts">): boolean {
  return counts.some(({ table, rows }) => rows > 0 && !isTypeorms(table, historyTable));
}

/** The history of migrations, and what TypeORM keeps of views and generated columns. */
export function isTypeorms(table: string, historyTable: string): boolean {
  return table === qualified(historyTable) || table === "public.typeorm_metadata";
}
