import { withRemedy } from "../finding.ts";
import type { DatabaseFacts, LintRule } from "./rule.ts";

/** TypeORM ignores rows of its history that the code does not have. A newer release of the ledger explains them; nothing else does. */
export const unknownHistory: LintRule<DatabaseFacts> = ({ migrations, history, recorded }) => {
  const own = new Set(migrations.map(({ name }) => name));
  return history
    .filter(({ name }) => !own.has(name) && !recorded.has(name))
    .map(({ name }) => ({
      migration: null,
      finding: withRemedy(
        {
          rule: "history-unknown",
          class: "BREAKS",
          text: `The database ran ${name}, which neither this release nor any of the ledger has.`,
          forbidden: true,
        },
        null,
      ),
    }));
};
