import { columnAfter, tableAfter, type ColumnContents, type ColumnContentsOfTable } from "./column-content.ts";
import { isTypeorms } from "./holds-rows.ts";
import { integrityLosses } from "./integrity.ts";
import type { State } from "./state.ts";

/** Which changes of existing data are meant. */
export interface Allowance {
  /** Rows that may be missing afterwards, by qualified table. */
  readonly deletes: Readonly<Record<string, number>>;
  /** Columns whose values may differ afterwards, by qualified table. */
  readonly updates: Readonly<Record<string, readonly string[]>>;
}

/**
 * What was lost between two states, a phrase each; empty when nothing was. `frozen`: nobody else could write between the two, so the
 * data is compared too: every row has to be there, and every value of every column that is still there. A table or column that was
 * renamed is known by its number.
 */
export function losses(before: State, after: State, frozen: boolean, allowance: Allowance): string[] {
  return [
    ...integrityLosses(before.integrity, after.integrity),
    ...protectedLosses(before, after, frozen),
    ...(frozen ? dataLosses(before, after, allowance) : []),
  ];
}

function protectedLosses(before: State, after: State, frozen: boolean): string[] {
  const now = new Map(after.protected.map((content) => [content.table, content]));
  return before.protected.flatMap(({ table, columns, rows, hash }) => {
    const content = now.get(table);
    const gone = columns.filter((column) => content?.columns.includes(column) !== true);
    if (gone.length > 0) return [`the protected ${gone.map((column) => `${table}.${column}`).join(", ")} is gone`];
    const changed = frozen && (content?.rows !== rows || content.hash !== hash);
    return changed ? [`the protected content of ${table} changed`] : [];
  });
}

function dataLosses(before: State, after: State, allowance: Allowance): string[] {
  if (before.contents === null || after.contents === null) return [];
  return contentLosses(before.contents, after.contents, before.historyTable, allowance);
}

/** The rows and values that were there before and are not any more, a phrase each. Columns that are gone are not told of. */
export function contentLosses(
  before: ColumnContents,
  after: ColumnContents,
  historyTable: string,
  allowance: Allowance,
): string[] {
  return before.tables
    .filter(({ table }) => !isTypeorms(table, historyTable))
    .flatMap((table) => tableLosses(table, after, allowance));
}

function tableLosses(was: ColumnContentsOfTable, contents: ColumnContents, { deletes, updates }: Allowance): string[] {
  const { table, rows } = was;
  const allowed = deletes[table] ?? 0;
  const now = tableAfter(contents, was);
  if (now === undefined) return rows > allowed ? [`${table} had ${rows} rows, and the table is gone`] : [];
  if (rows - now.rows > allowed) return [`${table} had ${rows} rows and has ${now.rows}`];
  const meant = new Set(updates[table]);
  const touched = rows - now.untouched;
  const replacedAsMeant = touched > 0 && touched <= allowed;
  if (rows === now.rows && !replacedAsMeant) return changedColumns(was, now, meant);
  // The hashes of other rows say nothing. PostgreSQL's own account does: a row that no later transaction wrote is as it was, but for
  // columns that were dropped and added again.
  const emptied = was.columns
    .filter(({ name, number }) => now.columns.some((one) => one.name === name && one.number !== number))
    .filter(({ name }) => !meant.has(name))
    .map(({ name }) => `${table}.${name} was dropped and added again`);
  if (touched <= allowed || meant.size > 0) return emptied;
  return [...emptied, `${touched} rows of ${table} were changed or deleted, and ${allowed} may be`];
}

/** With as many rows as before, the hashes tell which column differs: also after a rewrite, which touches every row. */
function changedColumns(was: ColumnContentsOfTable, now: ColumnContentsOfTable, meant: ReadonlySet<string>): string[] {
  const changed = was.columns.filter((column) => {
    const same = columnAfter(now, column);
    return same !== undefined && !meant.has(column.name) && same.hash !== column.hash;
  });
  if (changed.length === 0) return [];
  const names = changed.map(({ name }) => `${was.table}.${name}`).join(", ");
  const comparable = now.columns.some(({ hash }) => hash !== null);
  return [
    comparable
      ? `the content of ${names} changed`
      : `the content of ${names} cannot be compared: its key (${was.key.join(", ")}) is gone`,
  ];
}
