import { OperationError } from "../error.ts";
import type { MigrationRecord, ReleaseRecord } from "../release/spec.ts";
import type { MigrationOutcome } from "./spec.ts";

export interface MigrationPlan {
  /** What the run will have been when it succeeds. */
  readonly outcome: MigrationOutcome;
  /** In the order in which they will run. */
  readonly pending: readonly MigrationRecord[];
  /** Migrations in the database that the release does not have, oldest first. */
  readonly newer: readonly string[];
}

export interface PlanFacts {
  readonly record: ReleaseRecord;
  /** Names of the executed migrations. */
  readonly history: readonly string[];
  /** Names of migrations in any release of the ledger. */
  readonly explained: ReadonlySet<string>;
  /** The release that serves while this one migrates; null when none was ever verified. */
  readonly running: Pick<ReleaseRecord, "id"> | null;
}

/**
 * What a release means for a database with a certain history. Refused: rows that no release explains, a database that went another way,
 * and migrations that the running release cannot live with, unless the release declares maintenance.
 */
export function planMigration({ record, history, explained, running }: PlanFacts): MigrationPlan {
  const newer = history.filter((name) => !record.migrations.some((migration) => migration.name === name));
  const pending = record.migrations.filter(({ name }) => !history.includes(name));
  const unexplained = newer.filter((name) => !explained.has(name));
  if (unexplained.length > 0) {
    throw refused(
      `its history holds migrations that neither release ${record.id} nor any other release of the ledger has: ${unexplained.join(", ")}.`,
      "Find out who ran them. If they are right, record the release they belong to; if not, restore a backup from before.",
    );
  }
  if (newer.length > 0 && pending.length > 0) {
    throw refused(
      `it is newer than release ${record.id} (${newer.join(", ")}) and older (${pending.map(({ name }) => name).join(", ")}).`,
      "Build a release that holds both, in an order that works.",
    );
  }
  const fatal = pending.filter((migration) => migration.class === "BREAKS" || migration.class === "DESTROYS");
  if (fatal.length > 0 && running !== null && !record.maintenance) {
    const findings = fatal.flatMap(({ name, findings: why }) =>
      why.map((one) => `  - ${name}: ${one.class}: ${one.message}`),
    );
    throw refused(
      `release ${running.id}, which serves meanwhile, cannot live with these migrations, or data would be lost:\n${findings.join("\n")}\n`,
      "Split the release (expand first, contract later), or declare `maintenance: true` in it.",
    );
  }
  return { outcome: newer.length > 0 ? "ahead" : pending.length > 0 ? "migrated" : "up-to-date", pending, newer };
}

function refused(what: string, next: string): OperationError {
  return new OperationError("refused", { where: "the database", what, next: `${next} Nothing was touched.` });
}
