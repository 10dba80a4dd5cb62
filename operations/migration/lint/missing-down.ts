import { withRemedy } from "../finding.ts";
import type { ImageFacts, LintRule } from "./rule.ts";

/** Advice, not a danger: a rollback across the migration takes a restore then. */
export const missingDown: LintRule<ImageFacts> = ({ migrations }) =>
  migrations
    .filter(({ hasDown }) => !hasDown)
    .map(({ name }) => ({
      migration: name,
      finding: withRemedy({ rule: "down-missing", class: "SAFE", text: "It has no `down`." }, null),
    }));
