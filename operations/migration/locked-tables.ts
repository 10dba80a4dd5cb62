import { loadModule, parseSync } from "libpg-query";

/** Qualified and quoted names, or `all` where that cannot be told. */
export type LockedTables = ReadonlySet<string> | "all";

// These take locks that wait for no reader, or none on tables at all.
const harmless = new Set([
  ...["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "ViewStmt", "CreateTableAsStmt"],
  ...[
    "VariableSetStmt",
    "TransactionStmt",
    "CreateFunctionStmt",
    "CreateEnumStmt",
    "AlterEnumStmt",
    "CreateSchemaStmt",
  ],
  ...["CreateSeqStmt", "CreateExtensionStmt", "DefineStmt", "CompositeTypeStmt", "CreateDomainStmt"],
]);

/**
 * The tables and indexes that statements lock so that an old transaction on them is in the way: by PostgreSQL's own grammar, foreign keys'
 * other ends included. `all` when a statement cannot be read or runs what is not written in it.
 */
export async function lockedTables(statements: readonly string[]): Promise<LockedTables> {
  await loadModule();
  const names = new Set<string>();
  for (const sql of statements) {
    const parsed = parse(sql);
    if (parsed === null) return "all";
    for (const statement of parsed) {
      const [kind = ""] = Object.keys(statement);
      if (kind === "DoStmt" || kind === "CallStmt") return "all";
      if (!harmless.has(kind)) collect(statement, names);
    }
  }
  return names;
}

function parse(sql: string): object[] | null {
  try {
    return (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]));
  } catch {
    return null;
  }
}

/** A relation is a RangeVar wherever it is mentioned, but in DROP, where it is a list of its name's parts. */
function collect(node: unknown, names: Set<string>): void {
  if (typeof node !== "object" || node === null) return;
  if ("relname" in node && typeof node.relname === "string") {
    const schema = "schemaname" in node && typeof node.schemaname === "string" ? node.schemaname : "public";
    names.add([schema, node.relname].map(quoted).join("."));
  }
  if ("DropStmt" in node) collectDropped(node.DropStmt, names);
  for (const value of Object.values(node)) collect(value, names);
}

function collectDropped(drop: unknown, names: Set<string>): void {
  const objects = typeof drop === "object" && drop !== null && "objects" in drop ? drop.objects : [];
  for (const object of Array.isArray(objects) ? objects : []) {
    const parts = [...JSON.stringify(object).matchAll(/"sval":("(?:[^"\\]|\\.)*")/g)].map(([, part = '""']) =>
      String(JSON.parse(part)),
    );
    if (parts.length > 0) names.add((parts.length === 1 ? ["public", ...parts] : parts).map(quoted).join("."));
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
