import type { AlterEnumStmt, CopyStmt, DropStmt, ExplainStmt, IndexStmt, Node, RenameStmt } from "libpg-query";
import { judgeAlterTable } from "./judge-alter-table.ts";
import { judgeInsert, judgeSelect, judgeUpdate } from "./judge-writes.ts";
import { objectName, tableName, type Finding } from "./finding.ts";
import type { SchemaMemory } from "./schema-memory.ts";

/**
 * What one statement does to code that was written before it (BREAKS, WARN), to the data (DESTROYS), and whether it can be known at all
 * (OPAQUE). Nothing is said about what is safe.
 */
export function judgeStatement(node: Node, memory: SchemaMemory): Finding[] {
  if ("CreateStmt" in node) {
    memory.createTable(tableName(node.CreateStmt.relation));
    return [];
  }
  if ("CreateTableAsStmt" in node) {
    const { query, into } = node.CreateTableAsStmt;
    memory.createTable(tableName(into?.rel));
    return query === undefined ? [] : judgeStatement(query, memory);
  }
  if ("AlterTableStmt" in node) return judgeAlterTable(node.AlterTableStmt, memory);
  if ("IndexStmt" in node) return judgeIndex(node.IndexStmt, memory);
  if ("RenameStmt" in node) return judgeRename(node.RenameStmt, memory);
  if ("DropStmt" in node) return judgeDrop(node.DropStmt, memory);
  if ("AlterEnumStmt" in node) return judgeEnum(node.AlterEnumStmt);
  if ("UpdateStmt" in node) return judgeUpdate(node.UpdateStmt, memory);
  if ("SelectStmt" in node) return judgeSelect(node.SelectStmt);
  if ("InsertStmt" in node) return judgeInsert(node.InsertStmt, memory);
  if ("DeleteStmt" in node) {
    const table = tableName(node.DeleteStmt.relation);
    return memory.isNew(table)
      ? []
      : [{ rule: "removes-rows", class: "DESTROYS", text: `Rows of ${table} are deleted.` }];
  }
  if ("TruncateStmt" in node) {
    const tables = (node.TruncateStmt.relations ?? []).map((one) =>
      "RangeVar" in one ? tableName(one.RangeVar) : "a table",
    );
    return tables
      .filter((table) => !memory.isNew(table))
      .map((table) => ({ rule: "removes-rows", class: "DESTROYS", text: `${table} is emptied.` }));
  }
  if ("MergeStmt" in node)
    return [
      {
        rule: "removes-rows",
        class: "DESTROYS",
        text: `Rows of ${tableName(node.MergeStmt.relation)} are changed or deleted.`,
      },
    ];
  if ("AlterObjectSchemaStmt" in node) {
    const table = tableName(node.AlterObjectSchemaStmt.relation);
    return [
      { rule: "rename", class: "BREAKS", text: `${table} moves to another schema, where older code does not look.` },
    ];
  }
  if ("CreateTrigStmt" in node) {
    const table = tableName(node.CreateTrigStmt.relation);
    return memory.isNew(table)
      ? []
      : [
          {
            rule: "alter-table",
            class: "WARN",
            text: `Writes of ${table} run a new trigger, those of older code too.`,
          },
        ];
  }
  if ("CreatePolicyStmt" in node)
    return [
      {
        rule: "row-security",
        class: "WARN",
        text: `Row security of ${tableName(node.CreatePolicyStmt.table)} changes what older code sees.`,
      },
    ];
  if ("RuleStmt" in node)
    return [
      {
        rule: "replaced-object",
        class: "WARN",
        text: `Statements on ${tableName(node.RuleStmt.relation)} are rewritten by a new rule.`,
      },
    ];
  if ("GrantStmt" in node) {
    return node.GrantStmt.is_grant === true
      ? []
      : [{ rule: "revoke", class: "BREAKS", text: "A right is taken away that older code may use." }];
  }
  if ("ViewStmt" in node)
    return node.ViewStmt.replace === true
      ? [
          {
            rule: "replaced-object",
            class: "WARN",
            text: `The view ${tableName(node.ViewStmt.view)} is replaced under older code.`,
          },
        ]
      : [];
  if ("CreateFunctionStmt" in node)
    return node.CreateFunctionStmt.replace === true
      ? [{ rule: "replaced-object", class: "WARN", text: "A function is replaced under older code." }]
      : [];
  if ("AlterDomainStmt" in node)
    return [{ rule: "add-constraint", class: "WARN", text: "A domain changes what it takes." }];
  if ("DropOwnedStmt" in node)
    return [{ rule: "removes-rows", class: "DESTROYS", text: "Everything that a role owns is dropped." }];
  if ("DropdbStmt" in node) return [{ rule: "removes-rows", class: "DESTROYS", text: "A database is dropped." }];
  if ("DoStmt" in node)
    return [
      {
        rule: "opaque-statement",
        class: "OPAQUE",
        text: "A DO block can run anything; review it, or write its statements one by one.",
      },
    ];
  if ("CallStmt" in node) return [{ rule: "opaque-statement", class: "OPAQUE", text: "A procedure can run anything." }];
  if ("ExecuteStmt" in node || "PrepareStmt" in node)
    return [{ rule: "opaque-statement", class: "OPAQUE", text: "A prepared statement is run." }];
  if ("ExplainStmt" in node) return judgeExplain(node.ExplainStmt, memory);
  if ("CopyStmt" in node) return judgeCopy(node.CopyStmt, memory);
  if ("VacuumStmt" in node || "ClusterStmt" in node)
    return [{ rule: "table-lock", class: "WARN", text: "Rewriting a table locks it for everybody." }];
  if ("LockStmt" in node)
    return [{ rule: "table-lock", class: "WARN", text: "A table is locked; others wait for the whole transaction." }];
  return harmless.some((kind) => kind in node)
    ? []
    : [
        {
          rule: "opaque-statement",
          class: "OPAQUE",
          text: `${Object.keys(node)[0] ?? "A statement"} is not one that is known here.`,
        },
      ];
}

/** Statements that neither older code nor the data notices. */
const harmless = [
  "CommentStmt",
  "CreateSeqStmt",
  "AlterSeqStmt",
  "CreateEnumStmt",
  "CompositeTypeStmt",
  "CreateDomainStmt",
  "CreateRangeStmt",
  "CreateSchemaStmt",
  "CreateExtensionStmt",
  "AlterExtensionStmt",
  "CreateStatsStmt",
  "AlterStatsStmt",
  "DefineStmt",
  "AlterDefaultPrivilegesStmt",
  "AlterOwnerStmt",
  "TransactionStmt",
  "VariableSetStmt",
  "VariableShowStmt",
  "ReindexStmt",
  "RefreshMatViewStmt",
  "ConstraintsSetStmt",
  "NotifyStmt",
  "DiscardStmt",
  "CheckPointStmt",
];

function judgeIndex(index: IndexStmt, memory: SchemaMemory): Finding[] {
  const table = tableName(index.relation);
  if (memory.isNew(table)) return [];
  return [
    ...(index.unique === true
      ? [
          {
            rule: "unique-index" as const,
            class: "WARN" as const,
            text: `A new unique index on ${table} may refuse what older code writes.`,
          },
        ]
      : []),
    ...(index.concurrent === true
      ? []
      : [
          {
            rule: "index-blocks-writes" as const,
            class: "WARN" as const,
            text: `Building an index on ${table} blocks its writes; use CONCURRENTLY for a large table.`,
          },
        ]),
  ];
}

function judgeRename(rename: RenameStmt, memory: SchemaMemory): Finding[] {
  const table = tableName(rename.relation);
  const [from = "", to = ""] = [rename.subname, rename.newname];
  if (rename.renameType === "OBJECT_COLUMN") {
    return memory.isNew(table)
      ? []
      : [
          {
            rule: "rename",
            class: "BREAKS",
            text: `${table}.${from} becomes ${to}, and older code names the old one.`,
          },
        ];
  }
  if (rename.renameType === "OBJECT_TABLE" || rename.renameType === "OBJECT_VIEW") {
    if (memory.isNew(table)) {
      memory.createTable(to);
      return [];
    }
    return [{ rule: "rename", class: "BREAKS", text: `${table} becomes ${to}, and older code names the old one.` }];
  }
  if (["OBJECT_INDEX", "OBJECT_TABCONSTRAINT", "OBJECT_SEQUENCE"].includes(rename.renameType ?? "")) return [];
  return [
    { rule: "rename", class: "BREAKS", text: `Something that older code may name is called ${to} from then on.` },
  ];
}

const destroyedByDrop = ["OBJECT_TABLE", "OBJECT_SCHEMA", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"];
const usedByCode = [
  "OBJECT_VIEW",
  "OBJECT_TYPE",
  "OBJECT_FUNCTION",
  "OBJECT_SEQUENCE",
  "OBJECT_DOMAIN",
  "OBJECT_EXTENSION",
  "OBJECT_PROCEDURE",
];

function judgeDrop(drop: DropStmt, memory: SchemaMemory): Finding[] {
  const kind = drop.removeType ?? "OBJECT_TABLE";
  const what = kind.replace("OBJECT_", "").toLowerCase();
  return (drop.objects ?? []).flatMap((object): Finding[] => {
    const name = objectName(object);
    if (kind === "OBJECT_TABLE" && memory.isNew(name)) return [];
    if (destroyedByDrop.includes(kind))
      return [{ rule: "drop-table", class: "DESTROYS", text: `The ${what} ${name} is dropped with what is in it.` }];
    if (usedByCode.includes(kind))
      return [
        { rule: "drop-object", class: "BREAKS", text: `The ${what} ${name} is dropped, and older code may use it.` },
      ];
    if (kind === "OBJECT_INDEX")
      return [
        {
          rule: "drop-index",
          class: "WARN",
          text: `The index ${name} is dropped: older code may need it, for speed or for ON CONFLICT.`,
        },
      ];
    return [{ rule: "foreign-object", class: "WARN", text: `The ${what} ${name} is dropped.` }];
  });
}

function judgeEnum({ oldVal, newVal }: AlterEnumStmt): Finding[] {
  return oldVal === undefined
    ? [
        {
          rule: "enum-value",
          class: "WARN",
          text: `Older code may read the new value ${newVal ?? ""}, which it does not know.`,
        },
      ]
    : [
        {
          rule: "rename",
          class: "BREAKS",
          text: `The value ${oldVal} becomes ${newVal ?? ""}, and older code writes the old one.`,
        },
      ];
}

/** With ANALYZE, the statement runs. */
function judgeExplain({ query, options = [] }: ExplainStmt, memory: SchemaMemory): Finding[] {
  const runs = options.some((option) => "DefElem" in option && option.DefElem.defname === "analyze");
  return runs && query !== undefined ? judgeStatement(query, memory) : [];
}

/** What comes from a file or a program is not known; what goes to one may be the result of a write. */
function judgeCopy(copy: CopyStmt, memory: SchemaMemory): Finding[] {
  if (copy.is_from === true || copy.is_program === true)
    return [
      {
        rule: "opaque-statement",
        class: "OPAQUE",
        text: "COPY takes what a file holds, or runs a program.",
      },
    ];
  return copy.query === undefined ? [] : judgeStatement(copy.query, memory);
}
