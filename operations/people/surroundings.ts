import type { Command } from "commander";
import type { Context } from "../verb.ts";

/** What the command line lends to the verbs that people run. */
export interface Surroundings {
  /** Runs `work` with progress on the terminal; with `json`, silently. */
  watched<T>(this: void, json: boolean, work: (context: Context) => Promise<T>): Promise<T>;
  /** Writes to stdout, with a line end. */
  write(this: void, text: string): void;
}

/** Adds a noun that lists its verbs when it is given a wrong one. */
export function noun(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).showHelpAfterError().exitOverride();
}

/** A table for people: columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
