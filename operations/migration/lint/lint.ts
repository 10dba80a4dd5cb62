import { loadModule } from "libpg-query";
import { concurrentlyInTransaction } from "./concurrently-in-transaction.ts";
import { editedMigration } from "./edited-migration.ts";
import { enumValueInItsTransaction } from "./enum-value-in-its-transaction.ts";
import { missingDown } from "./missing-down.ts";
import { outOfOrder } from "./out-of-order.ts";
import type { DatabaseFacts, Found, ImageFacts, LintRule } from "./rule.ts";
import { synchronizeLeftover } from "./synchronize-leftover.ts";
import { unknownHistory } from "./unknown-history.ts";

const imageRules: readonly LintRule<ImageFacts>[] = [
  concurrentlyInTransaction,
  enumValueInItsTransaction,
  missingDown,
  synchronizeLeftover,
];
const databaseRules: readonly LintRule<DatabaseFacts>[] = [outOfOrder, unknownHistory, editedMigration];

/** What can be said from the image alone. */
export async function lintImage(facts: ImageFacts): Promise<Found[]> {
  await loadModule();
  return imageRules.flatMap((rule) => rule(facts));
}

/** What can only be said beside a database and its ledger. */
export function lintForDatabase(facts: DatabaseFacts): Found[] {
  return databaseRules.flatMap((rule) => rule(facts));
}
