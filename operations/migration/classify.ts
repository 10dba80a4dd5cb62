import { loadModule, parseSync } from "libpg-query";
import type { MigrationClass, MigrationRecord } from "../release/spec.ts";
import type { Finding } from "./finding.ts";
import { judgeStatement } from "./judge-statement.ts";
import { SchemaMemory } from "./schema-memory.ts";

/** A migration as its image describes it, before it is classified. */
export type RecordedMigration = Omit<MigrationRecord, "class" | "findings" | "downProven"> & {
  /** Why `statements` may not be all that it runs; null when they are. */
  readonly incomplete: string | null;
};

/** The classes from the worst to the best. */
const worstFirst: readonly MigrationClass[] = ["DESTROYS", "BREAKS", "OPAQUE", "WARN", "SAFE"];

/**
 * Classifies the migrations of a release, in the order in which they run: what each does to the code that runs meanwhile, and to the
 * data. Judged by PostgreSQL's own grammar. What a migration does to a table that it made itself is safe.
 */
export async function classifyMigrations(recorded: readonly RecordedMigration[]): Promise<MigrationRecord[]> {
  await loadModule();
  return recorded.map(({ incomplete, ...migration }) => {
    const memory = new SchemaMemory();
    const findings: Finding[] = migration.statements.flatMap((statement) => judge(statement, memory));
    if (incomplete !== null)
      findings.push({ class: "OPAQUE", text: `Not everything it runs is known: ${incomplete}.` });
    findings.push(...memory.wipedColumns());
    return {
      ...migration,
      downProven: false,
      class: worstFirst.find((one) => findings.some((finding) => finding.class === one)) ?? "SAFE",
      findings: [...new Set(findings.filter((one) => one.class !== "SAFE").map((one) => `${one.class}: ${one.text}`))],
    };
  });
}

/** The findings of one piece of SQL, which may hold several statements. What cannot be parsed is opaque. */
function judge(sql: string, memory: SchemaMemory): Finding[] {
  let parsed: ReturnType<typeof parseSync>;
  try {
    parsed = parseSync(sql);
  } catch (error) {
    return [
      {
        class: "OPAQUE",
        text: `A statement could not be read: ${error instanceof Error ? error.message : String(error)}.`,
      },
    ];
  }
  return (parsed.stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : judgeStatement(stmt, memory)));
}
