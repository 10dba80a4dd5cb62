import type { Command } from "commander";
import type { DatabaseVerifyResult } from "../database/spec.ts";
import { OperationError } from "../error.ts";
import { onStack } from "../stack.ts";
import { table, type Surroundings } from "./surroundings.ts";

/** `affexai database verify`: exit code 0 when it is sound, 7 with findings; anything else means that it could not be looked at. */
export function addVerifyVerb(database: Command, { watched, write }: Surroundings): void {
  database
    .command("verify")
    .description(
      "look at the live database: what it promises, what its release needs, what it lacks of its newest backup",
    )
    .requiredOption("--stack <name>", "whose database")
    .option("--amcheck", "also read every page of every table and B-tree, as the server's administrator")
    .option("--json", "the result as one JSON object")
    .action(async ({ stack, amcheck = false, json = false }: { stack: string; amcheck?: boolean; json?: boolean }) => {
      const { verifyDatabase } = await import("../database/verify.ts");
      const result = await watched(json, (context) =>
        onStack(stack, context, ({ targets, release }, reached) =>
          verifyDatabase.run(
            {
              ledger: { bucket: targets.bucket, environment: targets.environment },
              record: release,
              protectedTables: targets.migrations.protectedTables,
              amcheck,
            },
            reached,
          ),
        ),
      );
      write(json ? JSON.stringify(result) : describe(result));
      if (result.findings.length > 0) throw found(result);
    });
}

function describe({ database, release, checkedAt, backup, findings, notes, tables }: DatabaseVerifyResult): string {
  const rows = tables.map((one) => [
    ...[one.table, String(one.rows), one.backupRows === null ? "-" : String(one.backupRows)],
    one.protected ? "protected" : "",
  ]);
  return [
    `${database} at ${checkedAt}: release ${release}, newest backup ${backup ?? "none"}`,
    table([["TABLE", "ROWS", "IN THE BACKUP", ""], ...rows]),
    ...notes.map((note) => `note: ${note}`),
    ...(findings.length === 0 ? ["sound"] : findings.map(({ check, text }) => `✗ ${check}: ${text}`)),
  ].join("\n");
}

function found({ database, findings }: DatabaseVerifyResult): OperationError {
  return new OperationError("drift", {
    where: `database ${database}`,
    what: `has ${findings.length} ${findings.length === 1 ? "finding" : "findings"}.`,
    next: "Read them above; what was lost can be looked up in a backup (`affexai backup salvage` or `restore --dry-run`).",
  });
}
