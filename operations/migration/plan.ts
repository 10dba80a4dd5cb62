import { OperationError } from "../error.ts";
import type { MigrationFinding, MigrationRecord, ReleaseRecord } from "../release/spec.ts";
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
  readonly record: Pick<ReleaseRecord, "id" | "migrations" | "maintenance">;
  /** Names of the executed migrations. */
  readonly history: readonly string[];
  /** Names of migrations in any release of the ledger. */
  readonly explained: ReadonlySet<string>;
  /** The release that serves while this one migrates; null when none was ever verified. */
  readonly running: Pick<ReleaseRecord, "id"> | null;
  /** Any table but the history has a row. */
  readonly holdsData: boolean;
}

/**
 * What a release means for a database with a certain history. Refused: rows that no release explains, a database that went another way,
 * migrations that must not run at all, those that nobody knows and nobody rehearsed, and those that the running release cannot live with,
 * unless the release declares maintenance. Where nothing was ever released and no row is held, there is nothing to lose.
 */
export function planMigration({ record, history, explained, running, holdsData }: PlanFacts): MigrationPlan {
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
  refuseForbidden(pending);
  if (running !== null || holdsData) {
    refuseUnknown(pending, holdsData);
    if (!record.maintenance) refuseFatal(pending, running?.id ?? null);
  }
  return { outcome: newer.length > 0 ? "ahead" : pending.length > 0 ? "migrated" : "up-to-date", pending, newer };
}

/**
 * What would fail, whoever serves meanwhile. A forbidden loss of data is left to maintenance, under which it is found and undone, and to a
 * new database, which has nothing to lose.
 */
function refuseForbidden(pending: readonly MigrationRecord[]): void {
  const lines = linesOf(pending, (finding) => finding.forbidden && finding.class !== "DESTROYS");
  if (lines.length === 0) return;
  throw refused(`these migrations must not run:\n${lines.join("\n")}\n`, "Correct them and build a new release.");
}

/** Nobody can say what it does, and nobody has seen it. On tables without rows, nobody has seen what it does to rows. */
function refuseUnknown(pending: readonly MigrationRecord[], holdsData: boolean): void {
  const seen = ({ rehearsal }: MigrationRecord) => rehearsal !== null && (!holdsData || rehearsal.backup !== null);
  const unknown = pending.filter((migration) => migration.class === "OPAQUE" && !seen(migration));
  if (unknown.length === 0) return;
  const lines = linesOf(unknown, (finding) => finding.class === "OPAQUE");
  throw refused(
    `what these migrations do ${holdsData ? "to data " : ""}is not known, and they were never rehearsed${holdsData ? " on a backup" : ""}:\n${lines.join("\n")}\n`,
    `Make the release's record with REHEARSAL_DATABASE_URL set (\`affexai release create${holdsData ? " --stack NAME" : ""}\`).`,
  );
}

/** What the code that serves cannot live with, and what loses data. `running`: null where another code than a release's may serve. */
function refuseFatal(pending: readonly MigrationRecord[], running: string | null): void {
  const fatal = pending.filter((migration) => migration.class === "BREAKS" || migration.class === "DESTROYS");
  if (fatal.length === 0) return;
  const lines = linesOf(fatal, (finding) => finding.class === "BREAKS" || finding.class === "DESTROYS");
  const serving =
    running === null ? "what wrote the data that it holds" : `release ${running}, which serves meanwhile,`;
  throw refused(
    `${serving} cannot live with these migrations, or data would be lost:\n${lines.join("\n")}\n`,
    "Split the release (expand first, contract later), or declare `maintenance: true` in it.",
  );
}

function linesOf(migrations: readonly MigrationRecord[], which: (finding: MigrationFinding) => boolean): string[] {
  return migrations.flatMap(({ name, findings }) =>
    findings.filter(which).map((one) => `  - ${name}: ${one.class}: ${one.message} ${one.remedy}`),
  );
}

function refused(what: string, next: string): OperationError {
  return new OperationError("refused", { where: "the database", what, next: `${next} Nothing was touched.` });
}
