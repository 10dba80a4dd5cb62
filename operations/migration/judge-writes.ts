import type { InsertStmt, Node, SelectStmt, UpdateStmt, WithClause } from "libpg-query";
import { tableName, type Finding } from "./finding.ts";
import type { SchemaMemory } from "./schema-memory.ts";
import { unknownCalls } from "./unknown-calls.ts";

export function judgeUpdate(update: UpdateStmt, memory: SchemaMemory): Finding[] {
  return [
    ...judgeNested({ ...update.withClause }),
    ...judgeOverwriting(tableName(update.relation), update.targetList, memory),
    ...unknownCalls(update),
  ];
}

export function judgeInsert(insert: InsertStmt, memory: SchemaMemory): Finding[] {
  const upsert = insert.onConflictClause;
  return [
    ...judgeNested(insert),
    ...(upsert?.action === "ONCONFLICT_UPDATE"
      ? judgeOverwriting(tableName(insert.relation), upsert.targetList, memory)
      : []),
    ...unknownCalls(insert),
  ];
}

function judgeOverwriting(table: string, targets: Node[] | undefined, memory: SchemaMemory): Finding[] {
  if (memory.isNew(table)) return [];
  const columns = (targets ?? []).map((target) => ("ResTarget" in target ? (target.ResTarget.name ?? "") : ""));
  const overwritten = columns.filter((column) => !memory.isNewColumn(table, column));
  return overwritten.length > 0
    ? [
        {
          rule: "overwrites-rows",
          class: "DESTROYS",
          text: `${table}.${overwritten.join(", ")} is overwritten; the old values are gone.`,
        },
      ]
    : [
        {
          rule: "table-lock",
          class: "WARN",
          text: `Rows of ${table} are locked while ${columns.join(", ")} is filled.`,
        },
      ];
}

/** A SELECT is a question, unless it calls something. */
export function judgeSelect(select: SelectStmt): Finding[] {
  return [...judgeNested(select), ...unknownCalls(select)];
}

/** A WITH may change data inside of a statement that otherwise only reads or adds. */
function judgeNested(statement: SelectStmt | InsertStmt | WithClause): Finding[] {
  return /"(Delete|Update|Merge)Stmt"/.test(JSON.stringify(statement))
    ? [{ rule: "nested-write", class: "DESTROYS", text: "Rows are changed or deleted inside of another statement." }]
    : [];
}
