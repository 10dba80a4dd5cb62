import { loadModule, parseSync } from "libpg-query";
import { MigrationClass, type MigrationFinding, type MigrationRecord } from "../release/spec.ts";
import { withRemedy, type Finding } from "./finding.ts";
import { judgeStatement } from "./judge-statement.ts";
import { SchemaMemory } from "./schema-memory.ts";

/** A migration as its image describes it, before it is classified. */
export type RecordedMigration = Omit<MigrationRecord, "class" | "findings" | "downProven" | "rehearsal"> & {
  /** Why `statements` may not be all that it runs; null when they are. */
  readonly incomplete: string | null;
};

/**
 * Classifies the migrations of a release, in the order in which they run: what each does to the code that runs meanwhile, and to the
 * data. Judged by PostgreSQL's own grammar. What a migration does to a table that it made itself is safe.
 */
export async function classifyMigrations(recorded: readonly RecordedMigration[]): Promise<MigrationRecord[]> {
  await loadModule();
  return recorded.map(({ incomplete, ...migration }) => {
    const memory = new SchemaMemory();
    const findings = migration.statements.flatMap((statement, index) =>
      judge(statement, memory).map((finding) => withRemedy(finding, index)),
    );
    if (incomplete !== null) findings.push(withRemedy(unknown(incomplete), null));
    findings.push(...declaredUnseen(findings, migration.expects));
    findings.push(...memory.wipedColumns().map((finding) => withRemedy(finding, null)));
    return withFindings({ ...migration, downProven: false, rehearsal: null, class: "SAFE", findings: [] }, findings);
  });
}

/** The migration with more findings: each is told once, and the class is that of the worst. */
export function withFindings(migration: MigrationRecord, more: readonly MigrationFinding[]): MigrationRecord {
  const findings = new Map<string, MigrationFinding>();
  for (const finding of [...migration.findings, ...more]) {
    const key = `${finding.rule} ${finding.message}`;
    if (!findings.has(key)) findings.set(key, finding);
  }
  return { ...migration, class: worstClass([...findings.values()]), findings: [...findings.values()] };
}

/** The worst class among findings, or among whole migrations. */
export function worstClass(classified: readonly { readonly class: MigrationClass }[]): MigrationClass {
  return MigrationClass.options.find((kind) => classified.some((one) => one.class === kind)) ?? "SAFE";
}

function unknown(incomplete: string): Finding {
  return { rule: "not-known", class: "OPAQUE", text: `Not everything it runs is known: ${incomplete}.` };
}

/** What cannot be read is believed where it says that it changes what is there. */
function declaredUnseen(
  findings: readonly MigrationFinding[],
  { deletes, updates }: RecordedMigration["expects"],
): MigrationFinding[] {
  const tables = [...new Set([...Object.keys(deletes), ...Object.keys(updates)])];
  if (tables.length === 0 || worstClass(findings) !== "OPAQUE") return [];
  const text = `It declares that it changes what ${tables.join(", ")} ${tables.length === 1 ? "holds" : "hold"}.`;
  return [withRemedy({ rule: "declared-loss", class: "DESTROYS", text }, null)];
}

/** The findings of one piece of SQL, which may hold several statements. What cannot be parsed is opaque. */
function judge(sql: string, memory: SchemaMemory): Finding[] {
  let parsed: ReturnType<typeof parseSync>;
  try {
    parsed = parseSync(sql);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [{ rule: "unreadable-statement", class: "OPAQUE", text: `A statement could not be read: ${message}.` }];
  }
  return (parsed.stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : judgeStatement(stmt, memory)));
}
