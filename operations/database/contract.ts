import type pg from "pg";
import type { z } from "zod";
import type { ColumnContract, EntityContract } from "../release/spec.ts";
import { qualified } from "./content.ts";

/** A column as the live schema has it. */
export interface LiveColumn {
  readonly type: string;
  readonly nullable: boolean;
  /** A default, an identity or a generation expression: an INSERT may leave the column out. */
  readonly filled: boolean;
  /** Null unless the type is an enum. */
  readonly enumLabels: readonly string[] | null;
}

/** Tables and views by qualified name. */
export type LiveSchema = ReadonlyMap<string, ReadonlyMap<string, LiveColumn>>;

export interface ContractCheck {
  /** Whether the release's code can run on this schema. */
  readonly holds: boolean;
  /** What the code cannot live with, a sentence each. */
  readonly reasons: readonly string[];
  /** What it can live with unless the data or its use says otherwise. */
  readonly warnings: readonly string[];
}

/** Reads what a contract is checked against. */
export async function readLiveSchema(client: pg.Client): Promise<LiveSchema> {
  const { rows } = await client.query<{
    table: string;
    column: string;
    type: string;
    nullable: boolean;
    filled: boolean;
    labels: string[] | null;
  }>(
    `SELECT c.oid::regclass::text AS table, a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type,
            NOT a.attnotnull AS nullable, a.atthasdef OR a.attidentity <> '' AS filled,
            (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
              WHERE e.enumtypid = CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END) AS labels
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`,
  );
  const schema = new Map<string, Map<string, LiveColumn>>();
  for (const { table, column, type, nullable, filled, labels } of rows) {
    const columns = schema.get(table) ?? new Map<string, LiveColumn>();
    schema.set(table, columns.set(column, { type, nullable, filled, enumLabels: labels }));
  }
  return schema;
}

/**
 * Whether the code of a release can live with a schema: each mapped table and column is there with a type that its values fit into,
 * and each column that an INSERT must fill is one that the code fills. TypeORM names every mapped column in each SELECT and INSERT, so a
 * missing one breaks its whole table, and an added one that is nullable or has a default is invisible.
 */
export function checkContract(contract: EntityContract, schema: LiveSchema): ContractCheck {
  const reasons: string[] = [];
  const warnings: string[] = [];
  for (const [name, { columns }] of Object.entries(contract)) {
    const live = schema.get(qualified(name));
    if (live === undefined) {
      reasons.push(`table ${name} does not exist.`);
      continue;
    }
    for (const [column, wanted] of Object.entries(columns)) {
      const found = live.get(column);
      if (found === undefined) reasons.push(`column ${name}.${column} does not exist.`);
      else checkColumn(`${name}.${column}`, wanted, found, reasons, warnings);
    }
    for (const [column, { nullable, filled }] of live) {
      const mapped = columns[column];
      if (nullable || filled || mapped?.insertable === true) continue;
      reasons.push(
        `column ${name}.${column} must be given in every INSERT, and the code ${mapped === undefined ? "does not know it" : "never writes it"}.`,
      );
    }
  }
  return { holds: reasons.length === 0, reasons, warnings };
}

function checkColumn(
  name: string,
  wanted: z.infer<typeof ColumnContract>,
  found: LiveColumn,
  reasons: string[],
  warnings: string[],
): void {
  if (wanted.type.replace("[]", "") === "enum") checkEnum(name, wanted, found, reasons, warnings);
  else {
    const fit = typeFit(wanted.type, found.type);
    const text = `column ${name} is ${found.type}, and the code expects ${wanted.type}.`;
    if (fit === "no") reasons.push(text);
    if (fit === "risky") warnings.push(text);
  }
  if (wanted.nullable && !found.nullable && wanted.insertable && !found.filled) {
    warnings.push(`column ${name} takes no null any more, and the code may write one.`);
  }
  if (!wanted.nullable && found.nullable)
    warnings.push(`column ${name} may be null, and the code does not expect one.`);
}

function checkEnum(
  name: string,
  wanted: z.infer<typeof ColumnContract>,
  found: LiveColumn,
  reasons: string[],
  warnings: string[],
): void {
  if (found.enumLabels === null) {
    // Text takes every label; anything else takes none.
    if (!/^(text|character varying)/.test(found.type))
      reasons.push(`column ${name} is ${found.type}, and the code expects an enum.`);
    return;
  }
  const labels = found.enumLabels;
  const known = wanted.enumLabels ?? labels;
  const missing = known.filter((label) => !labels.includes(label));
  const unknown = labels.filter((label) => !known.includes(label));
  if (missing.length > 0)
    reasons.push(`column ${name} lacks the values ${missing.join(", ")}, which the code may write.`);
  if (unknown.length > 0) warnings.push(`column ${name} may hold ${unknown.join(", ")}, which the code does not know.`);
}

/**
 * Whether values of the type that the code was written for fit into the live one, and come back as the code expects them. `risky`: they
 * fit, but may come back as something else (PostgreSQL's bigint is a string in JavaScript).
 */
export function typeFit(wanted: string, live: string): "yes" | "risky" | "no" {
  if (wanted === live) return "yes";
  const [one, other] = [parseType(wanted), parseType(live)];
  if (one.array !== other.array) return "no";
  const texts = ["character varying", "text"];
  if (texts.includes(one.name) && texts.includes(other.name))
    return fits(one.numbers[0], other.numbers[0]) ? "yes" : "no";
  if (one.name === other.name) {
    if (one.name === "numeric" && one.numbers.length === 2 && other.numbers.length === 2) {
      const whole = ([precision = 0, scale = 0]: readonly number[]) => precision - scale;
      return whole(other.numbers) >= whole(one.numbers) && fits(one.numbers[1], other.numbers[1]) ? "yes" : "no";
    }
    return fits(one.numbers[0], other.numbers[0]) ? "yes" : "no";
  }
  const widths = ["smallint", "integer", "bigint"];
  const [from, to] = [widths.indexOf(one.name), widths.indexOf(other.name)];
  if (from >= 0 && to >= 0) return to < from ? "no" : other.name === "bigint" ? "risky" : "yes";
  const pairs = [
    ["json", "jsonb"],
    ["timestamp without time zone", "timestamp with time zone"],
    ["real", "double precision"],
  ];
  return pairs.some((pair) => pair.includes(one.name) && pair.includes(other.name)) ? "risky" : "no";
}

/** A length or precision that is not given is the widest. */
function fits(wanted: number | undefined, live: number | undefined): boolean {
  return live === undefined || (wanted !== undefined && wanted <= live);
}

function parseType(type: string): { name: string; numbers: number[]; array: boolean } {
  const array = type.endsWith("[]");
  const base = array ? type.slice(0, -2) : type;
  const numbers = /\(([\d,\s]+)\)/.exec(base)?.[1]?.split(",").map(Number) ?? [];
  return {
    name: base
      .replace(/\([\d,\s]+\)/, "")
      .replace(/\s+/g, " ")
      .trim(),
    numbers,
    array,
  };
}
