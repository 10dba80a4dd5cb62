import { OperationError } from "../error.ts";

/** What usually helps, by SQLSTATE (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
const remedies: Readonly<Record<string, string>> = {
  // unsafe use of a new enum value
  "55P04":
    "A value that ALTER TYPE … ADD VALUE adds can be used only once that is committed: add it in a migration of its own with `transaction = false` before the one that uses it.",
  // CREATE INDEX CONCURRENTLY cannot run inside a transaction block
  "25001":
    'Put the statement alone into a migration with `transaction = false`, and set `migrationsTransactionMode: "each"` in the data source.',
  // a column contains nulls
  "23502":
    "Rows exist already: add the column with a default, or nullable, fill it, and set NOT NULL in a later migration.",
  "23503":
    "Rows point at nothing: repair them in an earlier migration, or add the constraint NOT VALID and validate it after that.",
  "23505": "Rows exist that are equal in these columns: make them differ in an earlier migration.",
  "55P03": "Run again when these sessions have ended, or end them; or at a quieter time.",
  "40P01": "Run again at a quieter time, or take the locks in the order in which the application takes them.",
  "40001": "Run again at a quieter time.",
  // statement timeout
  "57014":
    "Split the statement into smaller ones, or raise statementTimeoutSeconds if nobody waits for the table meanwhile.",
  "42501":
    "Let the migration do only what the owner of the database may do; an administrator does the rest before the release.",
};

/** A migration run that failed inside the image, with PostgreSQL's error code when it was one. */
export class MigrationFailure extends OperationError {
  /** SQLSTATE, or null. */
  readonly code: string | null;
  /** The migration at work, or null before the first. */
  readonly migration: string | null;

  constructor(text: { what: string; migration: string | null; code: string | null; refused: boolean }) {
    super(text.refused ? "refused" : "failed", {
      where: text.migration === null ? "the migrations" : `migration ${text.migration}`,
      what: `${text.what.replace(/\.?$/, ".")}${text.code === null ? "" : ` (SQLSTATE ${text.code})`}`,
      next: remedies[text.code ?? ""] ?? "Correct the migration and build a new release.",
    });
    this.code = text.code;
    this.migration = text.migration;
  }
}
