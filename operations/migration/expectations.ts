import { qualified } from "../database/content.ts";
import type { Allowance } from "../database/losses.ts";
import type { MigrationRecord } from "../release/spec.ts";

/** What several migrations together are expected to change; tables by their qualified names. */
export function expectedChanges(migrations: readonly Pick<MigrationRecord, "expects">[]): Allowance {
  const deletes: Record<string, number> = {};
  const updates: Record<string, string[]> = {};
  for (const { expects } of migrations) {
    for (const [table, rows] of Object.entries(expects.deletes))
      deletes[qualified(table)] = (deletes[qualified(table)] ?? 0) + rows;
    for (const [table, columns] of Object.entries(expects.updates)) (updates[qualified(table)] ??= []).push(...columns);
  }
  return { deletes, updates };
}

/**
 * What of the differences between entities and schema a release cannot be left with, a phrase each. What the schema has beyond the
 * entities is no such thing: the contract of an expand-and-contract change runs in a later release. Nor is what a migration of the
 * release declares to remain.
 */
export function entityLosses(
  differences: readonly string[],
  migrations: readonly Pick<MigrationRecord, "expects">[],
): string[] {
  const remains = new Set(migrations.flatMap(({ expects }) => expects.remains.map(normalised)));
  return differences
    .filter((statement) => !takesAway(statement) && !remains.has(normalised(statement)))
    .map((statement) => `the entities differ from the schema: TypeORM would run ${statement}`);
}

/** Whether a statement of TypeORM's schema builder only removes what no entity mentions. */
function takesAway(statement: string): boolean {
  return (
    /^DROP (INDEX|VIEW|MATERIALIZED VIEW|SEQUENCE|TYPE)\b/i.test(statement) ||
    /^ALTER TABLE \S+ (DROP (COLUMN|CONSTRAINT)\b|ALTER COLUMN "(?:[^"]|"")+" DROP DEFAULT\b)/i.test(statement) ||
    /^COMMENT ON\b/i.test(statement)
  );
}

function normalised(statement: string): string {
  return statement
    .replace(/\s+/g, " ")
    .replace(/;?\s*$/, "")
    .trim();
}
