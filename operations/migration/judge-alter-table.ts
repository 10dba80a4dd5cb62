import type { AlterTableCmd, AlterTableStmt, ColumnDef, Constraint, Node } from "libpg-query";
import { tableName, typeName, type Finding } from "./finding.ts";
import type { SchemaMemory } from "./schema-memory.ts";
import { unknownCalls } from "./unknown-calls.ts";

/** Every part of an ALTER TABLE on its own. */
export function judgeAlterTable(alter: AlterTableStmt, memory: SchemaMemory): Finding[] {
  const table = tableName(alter.relation);
  return (alter.cmds ?? []).flatMap((command) =>
    "AlterTableCmd" in command ? judgeCommand(table, command.AlterTableCmd, memory) : [],
  );
}

/** Parts of an ALTER TABLE that neither older code nor the data notices. */
const harmless: readonly (string | undefined)[] = [
  "AT_SetStatistics",
  "AT_SetOptions",
  "AT_ResetOptions",
  "AT_SetStorage",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_ValidateConstraint",
  "AT_ChangeOwner",
  "AT_ReplicaIdentity",
  "AT_ClusterOn",
  "AT_DropCluster",
  "AT_AttachPartition",
  "AT_AddIdentity",
];

function judgeCommand(table: string, command: AlterTableCmd, memory: SchemaMemory): Finding[] {
  const { subtype, name = "" } = command;
  const column = columnOf(command.def);
  if (subtype === "AT_AddColumn") {
    const finding = judgeNewColumn(table, column, memory);
    memory.addColumn(table, column?.colname ?? "", isFilled(column));
    return finding;
  }
  if (subtype === "AT_DropColumn") {
    const isNew = memory.isNewColumn(table, name);
    memory.dropColumn(table, name);
    return isNew
      ? []
      : [
          {
            rule: "drop-column",
            class: "DESTROYS",
            text: `${table}.${name} is dropped with what is in it, and older code may name it.`,
          },
        ];
  }
  if (memory.isNew(table) || harmless.includes(subtype)) return [];
  if (subtype === "AT_AlterColumnType") return judgeType(table, name, column);
  if (subtype === "AT_AddConstraint")
    return [...judgeConstraint(table, constraintOf(command.def)), ...unknownCalls(command.def)];
  if (subtype === "AT_ColumnDefault") return judgeDefault(table, name, command.def !== undefined, memory);
  if (subtype === "AT_SetNotNull") return judgeSetNotNull(table, name, memory);
  const known = subtype === undefined ? undefined : texts[subtype];
  if (known !== undefined) return [{ rule: known.rule, class: known.class, text: known.text(table, name) }];
  return [
    { rule: "alter-table", class: "WARN", text: `${table} is altered (${subtype?.replace("AT_", "") ?? "unknown"}).` },
  ];
}

type Subtype = NonNullable<AlterTableCmd["subtype"]>;

/** What can be said from the names alone. */
const texts: Partial<
  Record<Subtype, Pick<Finding, "rule" | "class"> & { text: (table: string, name: string) => string }>
> = {
  AT_DropNotNull: {
    rule: "drop-not-null",
    class: "WARN",
    text: (table, name) => `${table}.${name} may be null, and older code may not expect one.`,
  },
  AT_DropConstraint: {
    rule: "drop-constraint",
    class: "WARN",
    text: (table, name) =>
      `The constraint ${name} of ${table} is dropped: older code may rely on it, in ON CONFLICT too.`,
  },
  AT_DropIdentity: {
    rule: "drop-default",
    class: "BREAKS",
    text: (table, name) => `${table}.${name} is not filled by itself any more.`,
  },
  AT_DropExpression: {
    rule: "drop-default",
    class: "BREAKS",
    text: (table, name) => `${table}.${name} is not filled by itself any more.`,
  },
  AT_EnableRowSecurity: {
    rule: "row-security",
    class: "WARN",
    text: (table) => `Row security of ${table} changes what older code sees.`,
  },
  AT_ForceRowSecurity: {
    rule: "row-security",
    class: "WARN",
    text: (table) => `Row security of ${table} changes what older code sees.`,
  },
  AT_DetachPartition: {
    rule: "sees-other-rows",
    class: "BREAKS",
    text: (table) => `Rows of a partition leave ${table}.`,
  },
};

function judgeDefault(table: string, name: string, isSet: boolean, memory: SchemaMemory): Finding[] {
  memory.fill(table, name, isSet);
  return isSet
    ? []
    : [
        {
          rule: "drop-default",
          class: "WARN",
          text: `${table}.${name} loses its default, on which older code may rely.`,
        },
      ];
}

function judgeSetNotNull(table: string, name: string, memory: SchemaMemory): Finding[] {
  if (!memory.isNewColumn(table, name)) {
    return [
      {
        rule: "set-not-null",
        class: "WARN",
        text: `${table}.${name} takes no null any more: rows with one make it fail, and older code may write one.`,
      },
    ];
  }
  return memory.isFilled(table, name)
    ? []
    : [
        {
          rule: "required-column",
          class: "BREAKS",
          text: `${table}.${name} takes no null, and older code does not fill it.`,
        },
      ];
}

function judgeNewColumn(table: string, column: ColumnDef | undefined, memory: SchemaMemory): Finding[] {
  if (memory.isNew(table)) return [];
  const name = `${table}.${column?.colname ?? ""}`;
  const constraints = (column?.constraints ?? []).flatMap((one) => ("Constraint" in one ? [one.Constraint] : []));
  const required = constraints.some(({ contype }) => contype === "CONSTR_NOTNULL" || contype === "CONSTR_PRIMARY");
  return [
    ...(required && !isFilled(column)
      ? [
          {
            rule: "add-required-column" as const,
            class: "BREAKS" as const,
            text: `${name} must be given in every INSERT, and older code does not know it.`,
          },
        ]
      : []),
    ...(constraints.some(({ contype, raw_expr }) => contype === "CONSTR_DEFAULT" && isVolatile(raw_expr))
      ? [
          {
            rule: "volatile-default" as const,
            class: "WARN" as const,
            text: `${name} has a default that differs by row: the table is rewritten and locked meanwhile.`,
          },
        ]
      : []),
    ...constraints.flatMap((constraint) => judgeConstraint(table, constraint)),
    // The default is evaluated for the rows that are there.
    ...unknownCalls(column),
  ];
}

/** Whether an INSERT may leave the column out although it takes no null. */
function isFilled(column: ColumnDef | undefined): boolean {
  const filling: readonly (string | undefined)[] = ["CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"];
  return (
    (column?.constraints ?? []).some((one) => "Constraint" in one && filling.includes(one.Constraint.contype)) ||
    /^(small|big)?serial[248]?$/.test(typeName(column))
  );
}

/** `now()` is the same for the whole statement, so PostgreSQL stores it once; these are not. */
function isVolatile(expression: Node | undefined): boolean {
  return /"(gen_random_uuid|uuid_generate_v\d\w*|random|clock_timestamp|nextval|timeofday)"/.test(
    JSON.stringify(expression ?? null),
  );
}

// Without a rewrite, and without a value that no longer fits (PostgreSQL's own casts between these are widenings).
const widening = ["text", "int8", "numeric", "jsonb", "timestamptz"];

function judgeType(table: string, name: string, column: ColumnDef | undefined): Finding[] {
  const type = typeName(column);
  if (column?.raw_default !== undefined) {
    return [
      {
        rule: "type-change",
        class: "DESTROYS",
        text: `${table}.${name} becomes ${type} by an expression, which may lose what it held.`,
      },
    ];
  }
  return widening.includes(type) || (type === "varchar" && column?.typeName?.typmods === undefined)
    ? [
        {
          rule: "type-change",
          class: "WARN",
          text: `${table}.${name} becomes ${type}: older code may read it as something else, and the table may be rewritten.`,
        },
      ]
    : [
        {
          rule: "type-change",
          class: "BREAKS",
          text: `${table}.${name} becomes ${type}, which may refuse what older code writes.`,
        },
      ];
}

function judgeConstraint(table: string, constraint: Constraint | undefined): Finding[] {
  const kinds: Partial<Record<NonNullable<Constraint["contype"]>, string>> = {
    CONSTR_CHECK: "check",
    CONSTR_UNIQUE: "unique constraint",
    CONSTR_PRIMARY: "primary key",
    CONSTR_FOREIGN: "foreign key",
    CONSTR_EXCLUSION: "exclusion constraint",
    CONSTR_NOTNULL: "not-null constraint",
  };
  const kind = constraint?.contype === undefined ? undefined : kinds[constraint.contype];
  if (kind === undefined || constraint?.contype === "CONSTR_NOTNULL") return [];
  return [
    {
      rule: "add-constraint",
      class: "WARN",
      text: `A new ${kind} on ${table} binds what older code writes, and fails on data that breaks it.`,
    },
  ];
}

function columnOf(def: Node | undefined): ColumnDef | undefined {
  return def !== undefined && "ColumnDef" in def ? def.ColumnDef : undefined;
}

function constraintOf(def: Node | undefined): Constraint | undefined {
  return def !== undefined && "Constraint" in def ? def.Constraint : undefined;
}
