import { isTypeorms } from "./holds-rows.ts";
import type { Allowance } from "./losses.ts";
import type { State } from "./state.ts";

/** Users delete too while nobody is frozen; a migration that loses a table's rows loses more of them than that, or all. */
const usersMayDelete = (rows: number) => Math.max(10, Math.floor(rows / 10));

/**
 * Tables that have fewer rows than a time without a freeze explains, a phrase each. Protected ones have to keep every row. A table that
 * was renamed is taken for gone.
 */
export function shrunkTables(before: State, after: State, { deletes }: Pick<Allowance, "deletes">): string[] {
  const now = new Map(after.counts.map(({ table, rows }) => [table, rows]));
  const isProtected = new Set(before.protected.map(({ table }) => table));
  return before.counts
    .filter(({ table }) => !isTypeorms(table, before.historyTable))
    .flatMap(({ table, rows }) => {
      const left = now.get(table);
      const unexplained = rows - (left ?? 0) - (isProtected.has(table) ? 0 : (deletes[table] ?? 0));
      if (unexplained <= 0) return [];
      if (left === undefined) return [`${table} had ${rows} rows, and the table is gone`];
      const few = !isProtected.has(table) && left > 0 && unexplained <= usersMayDelete(rows);
      return few ? [] : [`${isProtected.has(table) ? "the protected " : ""}${table} had ${rows} rows and has ${left}`];
    });
}
