import type { DatabaseAccess } from "../database/access.ts";
import { losses } from "../database/losses.ts";
import { shrunkTables } from "../database/shrunk-tables.ts";
import { likeState, readState, type State } from "../database/state.ts";
import type { MigrationRecord, ReleaseRecord } from "../release/spec.ts";
import { entityLosses, expectedChanges } from "./expectations.ts";

export interface Verification {
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  /** The state that the release's migrations began from. */
  readonly before: State;
  /** Nobody else could write since. */
  readonly frozen: boolean;
  readonly record: Pick<ReleaseRecord, "migrations">;
  /** Statements with which TypeORM would make the schema what the entities say. */
  readonly differences: readonly string[];
}

/** What a release's migrations lost and did not declare, and what the schema lacks for its entities, a phrase each. */
export async function lostBy(verification: Verification): Promise<string[]> {
  const { access, applicationName, before, frozen, record, differences } = verification;
  const now = await readState(access, applicationName, likeState(before));
  const own = record.migrations.filter(({ name }) => !before.history.includes(name));
  const allowance = expectedChanges(own);
  return [
    ...losses(before, now, frozen, allowance),
    ...(!frozen && own.some(isUnwatched) ? shrunkTables(before, now, allowance) : []),
    ...entityLosses(differences, record.migrations),
  ];
}

/** Nobody could read what it does, and no transaction of its own was compared before it was committed (guard.mjs). */
function isUnwatched({ class: kind, transaction }: MigrationRecord): boolean {
  return !transaction && (kind === "OPAQUE" || kind === "DESTROYS");
}
