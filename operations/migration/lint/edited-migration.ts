import { withRemedy } from "../finding.ts";
import type { DatabaseFacts, LintRule } from "./rule.ts";

/**
 * A migration that ran is never run again, so an edit of it is in new databases only. Told by the compiled source, which a new compiler
 * may change as well: a warning, because nothing of it reaches the database that is migrated.
 */
export const editedMigration: LintRule<DatabaseFacts> = ({ migrations, history, recorded }) => {
  const executed = new Set(history.map(({ name }) => name));
  return migrations
    .filter(({ name, sha256 }) => executed.has(name) && recorded.get(name)?.has(sha256) === false)
    .map(({ name }) => ({
      migration: name,
      finding: withRemedy(
        {
          rule: "edited-migration",
          class: "WARN",
          text: "It ran already, as another one: its source differs from every one that the ledger has.",
        },
        null,
      ),
    }));
};
