import { withRemedy } from "../finding.ts";
import type { DatabaseFacts, LintRule } from "./rule.ts";

/** TypeORM runs what is pending in any order, without a word, when its timestamp is older than what ran already. */
export const outOfOrder: LintRule<DatabaseFacts> = ({ migrations, history }) => {
  const executed = new Set(history.map(({ name }) => name));
  const newest = history.reduce((one, other) => (other.timestamp > one.timestamp ? other : one), {
    name: "",
    timestamp: Number.NEGATIVE_INFINITY,
  });
  return migrations
    .filter(({ name }) => !executed.has(name) && timestampOf(name) < newest.timestamp)
    .map(({ name }) => ({
      migration: name,
      finding: withRemedy(
        {
          rule: "out-of-order",
          class: "WARN",
          text: `It is older than ${newest.name}, which ran already: on a new database it runs in another order.`,
        },
        null,
      ),
    }));
};

/** TypeORM takes the last thirteen characters of a migration's name as its time. */
function timestampOf(name: string): number {
  return Number(name.slice(-13));
}
