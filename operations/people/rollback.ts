import type { Command } from "commander";
import type { Surroundings } from "./surroundings.ts";

/** `affexai rollback`. */
export function addRollbackVerb(program: Command, { watched, write }: Surroundings): void {
  program
    .command("rollback")
    .description("back to the last known good release, or to the one named: the exact digests, if the schema allows it")
    .requiredOption("--stack <name>", "which environment")
    .option("--to <id>", "a release of the ledger; the last known good one unless given")
    .option("--restore-database", "restore the backup from before, where nothing less goes back: later writes are lost")
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--json", "the result as one JSON object")
    .action(
      async ({
        json = false,
        dryRun = false,
        restoreDatabase = false,
        ...options
      }: {
        stack: string;
        to?: string;
        dryRun?: boolean;
        restoreDatabase?: boolean;
        json?: boolean;
      }) => {
        const { rollBack, describeRollback } = await import("../release/rollback.ts");
        const result = await watched(json, (context) => rollBack({ ...options, dryRun, restoreDatabase }, context));
        write(json ? JSON.stringify(result) : describeRollback(result));
      },
    );
}
