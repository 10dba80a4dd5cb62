import type { ColumnDef, Node, RangeVar } from "libpg-query";
import type { MigrationClass, MigrationFinding } from "../release/spec.ts";
import { remedies, type Rule } from "./remedies.ts";

/** What is to be said about a statement. */
export interface Finding {
  readonly rule: Rule;
  readonly class: MigrationClass;
  readonly text: string;
  /** Refused even under maintenance. */
  readonly forbidden?: boolean;
}

/** The finding as a release record has it. `statement`: its place in the migration, or null. */
export function withRemedy(finding: Finding, statement: number | null): MigrationFinding {
  const { rule, text, forbidden = false } = finding;
  return { rule, class: finding.class, statement, message: text, remedy: remedies[rule], forbidden };
}

/** `users`, or `audit.users` outside of public. */
export function tableName(relation: RangeVar | undefined): string {
  const schema = relation?.schemaname;
  return `${schema === undefined || schema === "public" ? "" : `${schema}.`}${relation?.relname ?? "a table"}`;
}

/** The last words of a definition's type: `varchar` of `pg_catalog.varchar`. */
export function typeName(column: ColumnDef | undefined): string {
  const last = column?.typeName?.names?.at(-1);
  return last !== undefined && "String" in last ? (last.String.sval ?? "") : "";
}

/** The name of a dropped object, without `public`. */
export function objectName(object: Node): string {
  const parts =
    "List" in object ? (object.List.items ?? []) : "TypeName" in object ? (object.TypeName.names ?? []) : [object];
  return parts
    .flatMap((part) => ("String" in part ? [part.String.sval ?? ""] : []))
    .filter((part, index, all) => !(part === "public" && index < all.length - 1))
    .join(".");
}
