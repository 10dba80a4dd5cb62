import type { Command } from "commander";
import { onStack } from "../stack.ts";
import type { Surroundings } from "./surroundings.ts";

interface Options {
  stack: string;
  rules: string;
  to: string;
  environment: string;
  id?: string;
  json?: boolean;
}

/** `affexai database anonymise`: a copy of a stack's data, with everything personal masked, for another environment. */
export function addAnonymiseVerb(database: Command, { watched, write }: Surroundings): void {
  database
    .command("anonymise")
    .description("put a backup with everything personal masked into another environment's bucket (key: ANONYMISE_KEY)")
    .requiredOption("--stack <name>", "whose backup")
    .requiredOption("--rules <file>", "what becomes of each column, as YAML or JSON")
    .requiredOption("--to <bucket>", "the other environment's backup bucket; its credentials in TO_AWS_...")
    .option("--environment <name>", "the other environment", "staging")
    .option("--id <id>", "the backup; the newest one unless given")
    .option("--json", "the result as one JSON object")
    .action(async ({ stack, rules, to, environment, id, json = false }: Options) => {
      const [{ anonymise }, { readRules }, { AnonymiseSpec }] = await Promise.all([
        import("../anonymise/anonymise.ts"),
        import("../anonymise/rules-file.ts"),
        import("../anonymise/spec.ts"),
      ]);
      const read = await readRules(rules);
      const result = await watched(json, (context) =>
        onStack(stack, context, ({ targets }, reached) => {
          const from = { bucket: targets.bucket, environment: targets.environment, id };
          return anonymise.run(AnonymiseSpec.parse({ from, to: { bucket: to, environment }, rules: read }), reached);
        }),
      );
      write(
        json
          ? JSON.stringify(result)
          : `${result.id} in ${to}: ${result.rows} rows of ${result.tables} tables from ${result.from}, ${result.maskedColumns} columns masked`,
      );
    });
}
