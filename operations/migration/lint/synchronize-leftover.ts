import { withRemedy } from "../finding.ts";
import type { ImageFacts, LintRule } from "./rule.ts";

const dangers = {
  synchronize: "changes the schema to what the entities say at each start, and drops what they do not name",
  dropSchema: "drops everything at each start",
  migrationsRun: "runs migrations at each start, without backup or lock, in every replica at once",
} as const;

/** Options of the data source with which an application changes the schema by itself. The string "false" is a yes, as for TypeORM. */
export const synchronizeLeftover: LintRule<ImageFacts> = ({ typeorm }) =>
  (["synchronize", "dropSchema", "migrationsRun"] as const)
    .filter((option) => typeorm[option])
    .map((option) => ({
      migration: null,
      finding: withRemedy(
        {
          rule: "synchronize-leftover",
          class: "DESTROYS",
          text: `The data source has ${option}, which ${dangers[option]}.`,
          forbidden: true,
        },
        null,
      ),
    }));
