import { InvalidArgumentError, Option, type Command } from "commander";
import { BackupReason, type BackupRestoreResult } from "../backup/spec.ts";
import { OperationError } from "../error.ts";
import { onStack, prunerEnvironment, type StackOutputs } from "../stack.ts";
import type { Context } from "../verb.ts";
import { addBackupListVerb } from "./backup-list.ts";
import { addRecoveryVerbs, localOption } from "./backup-recovery.ts";
import { count } from "./count.ts";
import { noun, type Surroundings } from "./surroundings.ts";

interface Options {
  stack: string;
  json?: boolean;
}

interface RestoreOptions extends Options {
  dryRun?: boolean;
  yes?: boolean;
  force?: boolean;
  local?: string;
}

const proof = {
  contents: "is whole",
  bytes: "is stored as it was written (give BACKUP_IDENTITY to have it decrypted and read, too)",
};

/** `affexai backup create|list|verify|prune|restore|drill|kept|salvage`. */
export function addBackupVerbs(program: Command, surroundings: Surroundings): void {
  const { watched, write } = surroundings;
  const backup = noun(program, "backup", "exact copies of a stack's database in its backup bucket");
  const verb = (name: string, description: string, parent = backup) =>
    parent
      .command(name)
      .description(description)
      .requiredOption("--stack <name>", "whose database")
      .option("--json", "the result as one JSON object");

  verb("create", "dump the database from one snapshot, with its manifest")
    .addOption(
      new Option("--reason <reason>", "also the prefix it is kept under")
        .choices(BackupReason.options)
        .default("manual"),
    )
    .action(async ({ reason, ...options }: Options & { reason: BackupReason }) => {
      const { createBackup } = await import("../backup/create.ts");
      const result = await onItsStack(options, (target, context, { targets }) =>
        createBackup.run({ ...target, reason, lockDays: targets.keepBackupDays?.[reason] }, context),
      );
      write(
        options.json
          ? JSON.stringify(result)
          : `${result.id}: ${result.rows} rows of ${result.tables} tables, ${result.bytes} bytes`,
      );
    });

  addBackupListVerb(backup, surroundings);

  verb("verify", "read a backup to its end: its SHA-256, and every entry of the dump")
    .argument("[id]", "the newest one unless given", backupId)
    .action(async (id: string | undefined, options: Options) => {
      const { verifyBackup } = await import("../backup/verify.ts");
      const result = await onItsStack(options, (target, context) => verifyBackup.run({ ...target, id }, context));
      write(
        options.json
          ? JSON.stringify(result)
          : `${result.id} ${proof[result.read]}: ${result.bytes} bytes, sha256 ${result.sha256}`,
      );
    });

  verb("restore", "restore beside the live database, verify against the manifest, swap")
    .argument("[id]", "the newest one unless given", backupId)
    .option("--dry-run", "say what a swap would mean, and drop what was restored")
    .option("--yes", "swap: what was written since the backup is then only in the database that is kept")
    .option("--force", "also while a release is rolled out, or where the one that serves cannot live with it")
    .option(...localOption)
    .action(async (id: string | undefined, { dryRun = false, yes, force, local, ...options }: RestoreOptions) => {
      if (!dryRun && yes !== true) throw notConfirmed();
      const { restoreBackup } = await import("../backup/restore.ts");
      const result = await onItsStack(options, (target, context, { targets }) =>
        restoreBackup.run(
          { ...target, id, dryRun, force, local, app: targets.roles.app, maintenance: targets.maintenance },
          context,
        ),
      );
      const outcome = result.swapped
        ? `${result.id} serves now; the database it replaced is kept as ${result.kept ?? "nothing"}`
        : `${result.id} can be restored: ${result.rows} rows equal to the manifest in ${result.restoreSeconds.toFixed(1)} s`;
      write(options.json ? JSON.stringify(result) : [outcome, ...described(result)].join("\n"));
    });

  verb("prune", "delete backups that have had their time, with the keys of the stack's pruner; never the last ones")
    .option("--keep-at-least <count>", "how many of the newest stay, and of the newest drilled ones", count, 3)
    .option("--dry-run", "say what would be deleted")
    .action(
      async ({ keepAtLeast, dryRun = false, ...options }: Options & { keepAtLeast: number; dryRun?: boolean }) => {
        const { pruneBackups } = await import("../backup/prune.ts");
        const result = await onItsStack(options, (target, context, outputs) => {
          const keep = pruneBackups.spec.shape.keep.safeParse(outputs.targets.keepBackupDays);
          if (!keep.success) throw unknownRetention(options.stack);
          const spec = { ...target, keep: keep.data, minimum: keepAtLeast, dryRun };
          return pruneBackups.run(spec, { ...context, env: prunerEnvironment(outputs, context.env) });
        });
        const { deleted, kept, locked, remains, aborted } = result;
        const said = [
          `${dryRun ? "would delete" : "deleted"} ${deleted.length} backups, ${remains.length} remains of killed runs and ${aborted.length} unfinished uploads; ${kept} backups stay`,
          ...deleted,
          ...locked.map((id) => `${id} has had its time and is locked still`),
        ];
        write(options.json ? JSON.stringify(result) : said.join("\n"));
      },
    );

  addRecoveryVerbs(backup, { verb, backupId, onItsStack, write });

  async function onItsStack<T>(
    { stack, json = false }: Options,
    work: (target: { bucket: string; environment: string }, context: Context, outputs: StackOutputs) => Promise<T>,
  ): Promise<T> {
    return watched(json, (context) =>
      onStack(stack, context, (outputs, reached) => {
        const { bucket, environment } = outputs.targets;
        return work({ bucket, environment }, reached, outputs);
      }),
    );
  }
}

function notConfirmed(): OperationError {
  return new OperationError("usage", {
    where: "affexai backup restore",
    what: "would take what was written since the backup out of service.",
    next: "Look at what that is with --dry-run, then give --yes; nothing was touched.",
  });
}

/** What the swap means, or meant; a line each. */
function described({ swapped, consequences }: BackupRestoreResult): string[] {
  const { rows, serving } = consequences;
  const [where, from] = swapped ? ["the kept database", "the live one"] : ["the live database", "the backup"];
  return [
    ...(rows ?? []).map(
      ({ table: name, live, backup }) =>
        `${name}: ${live ?? "no table, so no"} rows in ${where}, ${backup ?? "no table, so none"} in ${from}`,
    ),
    ...(serving?.reasons ?? []).map((reason) => `release ${serving?.release ?? ""} cannot live with it: ${reason}`),
  ];
}

function unknownRetention(stack: string): OperationError {
  return new OperationError("refused", {
    where: `stack ${stack}`,
    what: "does not say how long backups are kept.",
    next: `Run \`pulumi up --stack ${stack}\` once with this version; nothing was deleted.`,
  });
}

function backupId(id: string): string {
  if (/^\d{8}T\d{6}Z-[0-9a-f]{6}$/.test(id)) return id;
  throw new InvalidArgumentError("must be an id from `affexai backup list`.");
}
