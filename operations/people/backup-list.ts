import { Option, type Command } from "commander";
import { BackupReason, type BackupListResult, type LastDrill } from "../backup/spec.ts";
import { onStack } from "../stack.ts";
import { table, type Surroundings } from "./surroundings.ts";

interface Options {
  stack: string[];
  reason?: BackupReason;
  all?: boolean;
  json?: boolean;
}

/** `affexai backup list`: of one stack, or of several, each of which has a bucket of its own. */
export function addBackupListVerb(backup: Command, { watched, write }: Surroundings): void {
  backup
    .command("list")
    .description("newest first")
    .requiredOption("--stack <name>", "whose backups; may be given more than once", (name, names: string[] = []) => [
      ...names,
      name,
    ])
    .addOption(new Option("--reason <reason>", "only these").choices(BackupReason.options))
    .option("--all", "those of every environment in the bucket")
    .option("--json", "the result as one JSON object")
    .action(async ({ stack: stacks, reason, all, json = false }: Options) => {
      const { listBackups, together } = await import("../backup/list.ts");
      const result = await watched(json, async (context) => {
        const lists: BackupListResult[] = [];
        for (const stack of new Set(stacks)) {
          const list = await onStack(stack, context, ({ targets: { bucket, environment } }, reached) =>
            listBackups.run({ bucket, environment, reason, all }, reached),
          );
          lists.push(list);
        }
        return together(lists);
      });
      write(json ? JSON.stringify(result) : described(result));
    });
}

const header = [
  ...["ID", "ENVIRONMENT", "REASON", "TAKEN AT", "ROWS", "BYTES"],
  ...["ENCRYPTED", "LOCKED UNTIL", "LAST DRILL"],
];

/** The list for people. */
export function described({ backups, unreadable }: BackupListResult): string {
  const rows = backups.map((one) => [
    ...[one.id, one.environment, one.copyOf === null ? one.reason : `${one.reason}, masked copy of ${one.copyOf}`],
    ...[one.takenAt, String(one.rows), String(one.bytes)],
    ...[one.encrypted ? "yes" : "no", one.lockedUntil, drilled(one.lastDrill)],
  ]);
  return [
    table([header, ...rows]),
    ...unreadable.map(({ id, environment, reason, why }) => `${id} of ${environment}, ${reason}: UNREADABLE, ${why}`),
  ].join("\n");
}

function drilled(last: LastDrill | null): string {
  if (last === null) return "never";
  return last.proven ? last.drilledAt : `FAILED ${last.drilledAt}`;
}
