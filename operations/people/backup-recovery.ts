import { InvalidArgumentError, type Command } from "commander";
import { z } from "zod";
import type { Context } from "../verb.ts";
import { table } from "./surroundings.ts";

interface Options {
  stack: string;
  json?: boolean;
}

/** What the verbs of the noun `backup` share. */
export interface BackupNoun {
  /** A verb with --stack and --json. */
  verb(this: void, name: string, description: string, parent?: Command): Command;
  backupId(this: void, id: string): string;
  onItsStack<T>(
    this: void,
    options: Options,
    work: (target: { bucket: string; environment: string }, context: Context) => Promise<T>,
  ): Promise<T>;
  write(this: void, text: string): void;
}

/** Of whatever restores. */
export const localOption = [
  "--local <folder>",
  "download the dump to there first, and restore with several jobs",
] as const;

/** `affexai backup drill|kept|salvage`. */
export function addRecoveryVerbs(backup: Command, { verb, backupId, onItsStack, write }: BackupNoun): void {
  verb("drill", "restore a backup into a scratch database, compare every row, measure, and drop it")
    .argument("[id]", "the newest one unless given", backupId)
    .option(...localOption)
    .action(async (id: string | undefined, { local, ...options }: Options & { local?: string }) => {
      const { drillBackup } = await import("../backup/drill.ts");
      const drill = await onItsStack(options, (target, context) => drillBackup.run({ ...target, id, local }, context));
      const said = [
        `${drill.id} can be restored: ${drill.rows} rows equal to its manifest`,
        `recovery time ${drill.rtoSeconds.toFixed(1)} s: restore ${drill.restoreSeconds.toFixed(1)} s, verification ${drill.verifySeconds.toFixed(1)} s, without the swap`,
        `recovery point ${drill.rpoSeconds.toFixed(0)} s ago: ${drill.takenAt}`,
      ];
      write(options.json ? JSON.stringify(drill) : said.join("\n"));
    });

  const kept = backup
    .command("kept")
    .description("databases that a restore replaced")
    .showHelpAfterError()
    .exitOverride();
  verb("list", "oldest first", kept)
    .option("--days <days>", "for how long they are kept", days, 7)
    .action(async ({ days, ...options }: Options & { days: number }) => {
      const { listKept } = await import("../backup/kept.ts");
      const result = await onItsStack(options, (_, context) => listKept.run({ days }, context));
      const rows = result.kept.map((one) => [
        one.name,
        one.keptAt ?? "unknown",
        String(one.bytes),
        one.expired ? "yes" : "no",
      ]);
      write(options.json ? JSON.stringify(result) : table([["NAME", "KEPT SINCE", "BYTES", "EXPIRED"], ...rows]));
    });
  verb("drop", "drop one; rows that were only in it are lost", kept)
    .argument("<name>", "from `affexai backup kept list`")
    .action(async (name: string, options: Options) => {
      const { dropKept } = await import("../backup/kept.ts");
      const result = await onItsStack(options, (_, context) => dropKept.run({ name }, context));
      write(options.json ? JSON.stringify(result) : `${name} is dropped`);
    });

  verb("salvage", "export the rows of a replaced database that the live one lacks, as CSV")
    .requiredOption("--from <name>", "from `affexai backup kept list`")
    .requiredOption("--out <folder>", "empty, or not there yet")
    .option("--since <time>", "only rows with a date or time from then on, ISO 8601 with an offset", time)
    .action(async ({ from, out, since, ...options }: Options & { from: string; out: string; since?: string }) => {
      const { salvage } = await import("../backup/salvage.ts");
      const result = await onItsStack(options, (_, context) => salvage.run({ from, out, since }, context));
      const rows = result.tables
        .filter((one) => one.missing + one.changed > 0)
        .map((one) => [one.table, String(one.missing), String(one.changed), one.comparedBy]);
      const header = ["TABLE", "MISSING", "CHANGED", "COMPARED BY"];
      const said = rows.length === 0 ? `the live database lacks nothing of ${from}` : table([header, ...rows]);
      write(options.json ? JSON.stringify(result) : said);
    });
}

function days(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number) && number >= 0) return number;
  throw new InvalidArgumentError("must be a number of days, 0 or more.");
}

function time(text: string): string {
  if (z.iso.datetime({ offset: true }).safeParse(text).success) return text;
  throw new InvalidArgumentError("must be like 2026-11-23T17:45:00Z.");
}
