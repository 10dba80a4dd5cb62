import assert from "node:assert/strict";
import { shrunkTables } from "../../../operations/database/shrunk-tables.ts";
import type { State } from "../../../operations/database/state.ts";

const content = (table: string, rows: number) => ({ table, rows, columns: [], hash: null });
const state = (rows: Record<string, number>): State => ({
  ...{ historyTable: "migrations", fingerprint: "f", schema: [], history: [], contents: null },
  counts: Object.entries(rows).map(([table, count]) => content(table, count)),
  protected: "public.pages" in rows ? [content("public.pages", rows["public.pages"])] : [],
  integrity: { brokenForeignKeys: [], invalidIndexes: [], unvalidatedConstraints: [], laggingSequences: [] },
});
const before = state({ "public.migrations": 40, "public.orders": 1000, "public.carts": 8, "public.pages": 20 });
const shrunk = (rows: Record<string, number>, deletes: Record<string, number> = {}) =>
  shrunkTables(before, state({ "public.orders": 1000, "public.carts": 8, "public.pages": 20, ...rows }), { deletes });

describe("tables that shrank while users could write", () => {
  it("are none where a few rows are missing, as users delete them, or more are there", () => {
    assert.deepEqual(shrunk({ "public.orders": 900, "public.carts": 1, "public.pages": 21 }), []);
  });

  it("are those that lost more than a tenth, or all", () => {
    assert.deepEqual(shrunk({ "public.orders": 899, "public.carts": 0 }), [
      "public.orders had 1000 rows and has 899",
      "public.carts had 8 rows and has 0",
    ]);
    const { counts, ...rest } = before;
    const without = { ...rest, counts: counts.filter(({ table }) => table !== "public.orders") };
    assert.deepEqual(shrunkTables(before, without, { deletes: {} }), [
      "public.orders had 1000 rows, and the table is gone",
    ]);
  });

  it("are not those whose deletion was declared, as far as it was", () => {
    assert.deepEqual(shrunk({ "public.orders": 400 }, { "public.orders": 500 }), []);
    assert.deepEqual(shrunk({ "public.orders": 399 }, { "public.orders": 500 }), [
      "public.orders had 1000 rows and has 399",
    ]);
  });

  it("are protected ones with one row less, declared or not", () => {
    assert.deepEqual(shrunk({ "public.pages": 19 }, { "public.pages": 5 }), [
      "the protected public.pages had 20 rows and has 19",
    ]);
  });
});
