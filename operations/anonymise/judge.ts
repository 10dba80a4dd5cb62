import type { Column, Reference } from "./columns.ts";
import { expressionOf, maskProblem } from "./masks.ts";
import type { AnonymiseRules, ColumnRule, MaskKind } from "./spec.ts";

/** What is done to one table. */
export interface TablePlan {
  readonly table: string;
  readonly qualifiedTable: string;
  readonly truncate: boolean;
  /** SQL expressions of the new values, by column. Empty where all is kept. */
  readonly changes: readonly {
    readonly column: Column;
    readonly kind: MaskKind | "null" | "json";
    readonly sql: string;
  }[];
}

export interface Judgement {
  /** One line each: what is wrong, and the rule that is proposed. */
  readonly problems: readonly string[];
  readonly plan: readonly TablePlan[];
}

/**
 * Holds a schema against the rules. Every column must have one, but for keys that are uuids or numbers, what PostgreSQL computes, the
 * history of migrations, and the types that the rules keep as a whole, as far as a column's name does not speak against it.
 */
export function judgeRules(
  columns: readonly Column[],
  references: readonly Reference[],
  rules: AnonymiseRules,
): Judgement {
  const problems: string[] = [];
  const plan: TablePlan[] = [];
  const tables = Map.groupBy(columns, ({ table }) => table);
  const truncated = (table: string) => rules.tables[table] === "truncate";
  for (const [table, itsColumns] of tables) {
    const [{ qualifiedTable } = { qualifiedTable: table }] = itsColumns;
    const rule = rules.tables[table];
    if (rule === "truncate") {
      plan.push({ table, qualifiedTable, truncate: true, changes: [] });
      for (const one of references)
        if (one.references === table && !truncated(one.table))
          problems.push(`${table} cannot be truncated: ${one.table} refers to it and is not`);
      continue;
    }
    for (const name of Object.keys(rule ?? {}))
      if (!itsColumns.some((column) => column.name === name))
        problems.push(`${table}.${name} has a rule and does not exist`);
    const changes = itsColumns.flatMap((column) => {
      const given = rule?.[column.name];
      if (given === undefined) {
        if (needsRule(column, rules.keepTypes))
          problems.push(`${table}.${column.name} (${column.type}) has no rule: propose ${proposal(column)}`);
        return [];
      }
      const problem = ruleProblem(column, given);
      if (problem !== null) problems.push(`${table}.${column.name} (${column.type}) ${problem}`);
      return problem === null && given !== "keep" ? [{ column, ...changeOf(column, given) }] : [];
    });
    plan.push({ table, qualifiedTable, truncate: false, changes });
  }
  for (const table of Object.keys(rules.tables))
    if (!tables.has(table)) problems.push(`${table} has rules and does not exist`);
  return { problems, plan };
}

function needsRule(column: Column, keepTypes: readonly string[]): boolean {
  const { name, type, isKey, isEnum, generated, isHistory } = column;
  if (isHistory || generated || (isKey && /^(uuid|smallint|integer|bigint)$/.test(type))) return false;
  return !keepTypes.includes(isEnum ? "enum" : type) || isPersonal(name);
}

/** Words in a column's name by which its numbers and dates tell who somebody is, or how they live. */
const personal = new Set(
  (
    "phone mobile fax tel birth birthday birthdate born dob age death died ssn social passport license licence tax vat iban bic " +
    "account card cvv pin salary wage income weight height health gender sex religion lat latitude lon lng longitude location zip postal postcode"
  ).split(" "),
);

function isPersonal(name: string): boolean {
  return name.split(/_|(?<=[a-z])(?=[A-Z0-9])/).some((word) => personal.has(word.toLowerCase()));
}

function ruleProblem(column: Column, rule: ColumnRule): string | null {
  if (rule === "keep") return null;
  if (column.generated) return "is computed by PostgreSQL: keep it, and mask what it is computed from";
  if (rule === "null") return column.notNull ? "cannot be null: mask it" : null;
  if (typeof rule === "object")
    return /^jsonb?$/.test(column.type) ? null : "is no JSON, so no paths of it can be kept";
  return maskProblem(column, kindOf(rule));
}

function changeOf(
  column: Column,
  rule: Exclude<ColumnRule, "keep">,
): Pick<TablePlan["changes"][number], "kind" | "sql"> {
  if (rule === "null") return { kind: "null", sql: "NULL" };
  if (typeof rule === "object") return { kind: "json", sql: expressionOf(column, rule) };
  return { kind: kindOf(rule), sql: expressionOf(column, kindOf(rule)) };
}

function kindOf(rule: `mask:${MaskKind}`): MaskKind {
  return rule.slice("mask:".length) as MaskKind;
}

/** By the column's name and type; somebody has to agree. */
function proposal({ name, type, notNull, isEnum }: Column): string {
  const text = /^(text|character varying|character|citext)$/.test(type);
  if (/^jsonb?$/.test(type)) return "{ keep: [] } with the paths that hold nothing personal";
  if (type === "inet" || (text && /(^|_)ip(_|$)|ip_?addr/i.test(name))) return "mask:ip";
  if (type === "date") return "mask:date-shift";
  if (isEnum || /^(boolean|interval|time )/.test(type)) return "keep";
  if (/^timestamp/.test(type)) return isPersonal(name) ? "mask:date-shift" : "keep";
  if (/^(smallint|integer|bigint|numeric|real|double precision)$/.test(type))
    return isPersonal(name) ? "mask:number" : "keep";
  if (/passw|hash|token|secret|session|salt|otp/i.test(name)) return notNull ? "mask:text" : "null";
  if (!text) return notNull ? "keep, or truncate the table" : "null";
  if (/mail|recipient/i.test(name)) return "mask:email";
  if (/phone|mobile|fax|(^|_)tel(_|$)/i.test(name)) return "mask:phone";
  if (/(^|_)(name|author|contact)(_|$)|full_?name|first_?name|last_?name|surname/i.test(name)) return "mask:name";
  if (/^(status|state|type|kind|role|level|priority|slug|locale|currency|content_type)$/i.test(name)) return "keep";
  return "mask:text";
}
