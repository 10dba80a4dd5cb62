import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { AnonymiseRules } from "./spec.ts";

/** Reads rules from a YAML (or JSON, which is YAML) file. Throws an OperationError (usage) with everything that is wrong in it. */
export async function readRules(file: string): Promise<AnonymiseRules> {
  const wrong = (what: string) =>
    new OperationError("usage", {
      where: `rules ${file}`,
      what,
      next: "See docs/anonymised-data.md for what they look like; nothing was touched.",
    });
  let value: unknown;
  try {
    value = parse(await readFile(file, "utf8"));
  } catch (error) {
    throw wrong(`cannot be read: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : "unknown"}.`);
  }
  const rules = AnonymiseRules.safeParse(value);
  if (!rules.success) throw wrong(`\n${z.prettifyError(rules.error)}\n`);
  return rules.data;
}
