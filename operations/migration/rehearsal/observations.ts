import type pg from "pg";
import { readColumnContents, type ColumnContents } from "../../database/column-content.ts";
import { readContents } from "../../database/content.ts";
import { readFingerprint } from "../../database/fingerprint.ts";
import { isTypeorms } from "../../database/holds-rows.ts";
import type { MigrationRehearsal, RehearsedStatement } from "../../release/spec.ts";
import type { ContentsOfUp } from "./lost-by-up.ts";
import { isSpoiled, type RoundTrip, type Snapshot } from "./round-trip.ts";
import type { Reached, Traced } from "./steps.ts";

/** What one migration did. */
export interface RehearsedMigration {
  /** What `up` ran, in order. */
  readonly statements: readonly string[];
  readonly rehearsal: MigrationRehearsal;
  readonly contents: ContentsOfUp;
  readonly roundTrip: RoundTrip;
}

/** Looks at the scratch database at each gate, and keeps what it saw of each migration. */
export class Observations {
  readonly migrations = new Map<string, RehearsedMigration>();
  failure: { readonly migration: string; readonly message: string } | null = null;
  /** The last migration's way back left the database other than its `up` had made it. */
  spoiled = false;

  readonly #client: pg.Client;
  readonly #historyTable: string;
  readonly #backup: string | null;
  #before: { readonly snapshot: Snapshot; readonly contents: ColumnContents } | null = null;

  constructor(client: pg.Client, historyTable: string, backup: string | null) {
    this.#client = client;
    this.#historyTable = historyTable;
    this.#backup = backup;
  }

  async see({ name, step, ms = 0, statements = [], failure }: Reached): Promise<void> {
    if (step === "before") {
      this.#before = { snapshot: await this.#look(true), contents: await readColumnContents(this.#client, null) };
      return;
    }
    if (step === "up") {
      if (failure !== undefined) this.failure = { migration: name, message: failure.message };
      else if (this.#before !== null) {
        const { snapshot, contents } = this.#before;
        const after = await readColumnContents(this.#client, contents);
        this.migrations.set(name, {
          statements: statements.map(({ sql }) => sql),
          rehearsal: { backup: this.#backup, ms, statements: statements.map(seenOf) },
          contents: { historyTable: this.#historyTable, before: contents, after },
          roundTrip: { before: snapshot, up: await this.#look(false), down: null, upAgain: null },
        });
      }
      return;
    }
    const migration = this.migrations.get(name);
    if (migration === undefined) return;
    const snapshot = await this.#look(step === "down");
    const seen = { snapshot, failure };
    const roundTrip = { ...migration.roundTrip, ...(step === "down" ? { down: seen } : { upAgain: seen }) };
    this.migrations.set(name, { ...migration, roundTrip });
    this.spoiled = isSpoiled(roundTrip);
  }

  async #look(atContents: boolean): Promise<Snapshot> {
    const { sha256, catalog } = await readFingerprint(this.#client, this.#historyTable);
    const own = (table: string) => isTypeorms(table, this.#historyTable);
    const contents = atContents ? (await readContents(this.#client)).filter(({ table }) => !own(table)) : null;
    return { fingerprint: sha256, catalog, contents };
  }
}

/** Without the statement itself, which the record has beside it. */
function seenOf({ ms, locks, rewrites, rows }: Traced): RehearsedStatement {
  return { ms, locks, rewrites, rows };
}
