import assert from "node:assert/strict";
import type { ColumnContents } from "../../../../operations/database/column-content.ts";
import { lostByUp } from "../../../../operations/migration/rehearsal/lost-by-up.ts";

const nothing = { deletes: {}, updates: {} };
const users = {
  ...{ table: "public.users", oid: 1, rows: 2, key: ["id"], untouched: 2 },
  columns: [
    { name: "id", number: 1, hash: "10" },
    { name: "email", number: 2, hash: "20" },
  ],
};
const history = { ...users, table: "public.migrations", oid: 2 };
const contents = (...tables: ColumnContents["tables"][number][]): ColumnContents => ({ boundary: "7", tables });
const lost = (after: ColumnContents, allowance: Parameters<typeof lostByUp>[1] = nothing, before = [users, history]) =>
  lostByUp({ historyTable: "migrations", before: contents(...before), after }, allowance).map(
    ({ class: kind, message }) => `${kind} ${message}`,
  );
const emptied = {
  ...users,
  untouched: 0,
  columns: [users.columns[0], { ...users.columns[1], hash: "0" }],
} as typeof users;

describe("what `up` lost on the rehearsal", () => {
  it("is nothing where all is there, with new columns and rows beside", () => {
    const more = { ...users, rows: 3, columns: [...users.columns, { name: "name", number: 3, hash: "1" }] };
    assert.deepEqual(lost(contents(more)), []);
  });

  it("is a value that differs, a row, a column and a table, with or without rows", () => {
    assert.deepEqual(lost(contents(emptied)), [
      "DESTROYS On the rehearsal, the content of public.users.email changed.",
    ]);
    assert.deepEqual(lost(contents({ ...users, rows: 1, untouched: 1 })), [
      "DESTROYS On the rehearsal, public.users had 2 rows and has 1.",
    ]);
    assert.deepEqual(lost(contents({ ...users, columns: users.columns.slice(0, 1) })), [
      "DESTROYS On the rehearsal, public.users.email is gone.",
    ]);
    assert.deepEqual(lost(contents()), ["DESTROYS On the rehearsal, public.users had 2 rows, and the table is gone."]);
    assert.deepEqual(lost(contents(), nothing, [{ ...users, rows: 0, untouched: 0 }]), [
      "DESTROYS On the rehearsal, public.users is gone.",
    ]);
  });

  it("leaves out what is declared", () => {
    const meant = { deletes: { "public.users": 1 }, updates: { "public.users": ["email"] } };
    assert.deepEqual(lost(contents(emptied), meant), []);
    assert.deepEqual(lost(contents({ ...users, rows: 1, untouched: 1 }), meant), []);
    assert.deepEqual(lost(contents({ ...users, columns: users.columns.slice(0, 1) }), meant), []);
  });
});
