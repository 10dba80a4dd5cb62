import type { ExecutedMigration } from "../../database/history.ts";
import type { MigrationFinding, MigrationRecord, TypeormOptions } from "../../release/spec.ts";
import type { z } from "zod";

/** What a rule finds, and in which migration; null when it is about the release as a whole. */
export interface Found {
  readonly migration: string | null;
  readonly finding: MigrationFinding;
}

/** A release's migrations as its image gives them. */
export interface ImageFacts {
  /** In the order in which they run. */
  readonly migrations: readonly Pick<MigrationRecord, "name" | "statements" | "hasDown" | "transaction">[];
  /** How TypeORM wraps what it runs together: `migrationsTransactionMode`. */
  readonly transactionMode: "all" | "each" | "none";
  readonly typeorm: z.output<typeof TypeormOptions>;
}

/** The same, beside a database that they are to run on. */
export interface DatabaseFacts {
  readonly migrations: readonly Pick<MigrationRecord, "name" | "sha256">[];
  /** In the order in which they ran. */
  readonly history: readonly ExecutedMigration[];
  /** SHA-256 of every migration that any release of the ledger has, by name. */
  readonly recorded: ReadonlyMap<string, ReadonlySet<string>>;
}

/** One rule: looks at everything and changes nothing. */
export type LintRule<Facts> = (facts: Facts) => Found[];
