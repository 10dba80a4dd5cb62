import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { OperationError } from "../../error.ts";
import { parseJson } from "../../json.ts";
import { start } from "../../process.ts";
import type { MigrationRecord } from "../../release/spec.ts";
import type { Context } from "../../verb.ts";
import type { Found } from "./rule.ts";

/**
 * Squawk's rules that say nothing here, and why (squawkhq.com/docs/rules). Everything else that it finds is a WARN: what it knows is locks
 * and scans, while what older code and the data suffer is judged by our own rules, which also know what the migration itself made.
 */
export const silenced: Readonly<Record<string, string>> = {
  "require-lock-timeout": "the runner sets lock_timeout on every connection",
  "require-statement-timeout": "the runner sets statement_timeout on every connection",
  "require-table-schema": "the runner's search_path is fixed",
  "ban-concurrent-index-creation-in-transaction": "our own rule knows whether TypeORM opens a transaction",
  "ban-uncommitted-transaction": "TypeORM opens and ends the transaction",
  "ban-drop-column": "classified as DESTROYS",
  "ban-drop-table": "classified as DESTROYS",
  "ban-drop-database": "classified as DESTROYS",
  "ban-truncate-cascade": "classified as DESTROYS",
  "ban-drop-not-null": "classified as WARN",
  "renaming-column": "classified as BREAKS",
  "renaming-table": "classified as BREAKS",
  "adding-required-field": "classified as BREAKS",
  "changing-column-type": "classified by the type, which squawk does not look at: varchar to text rewrites nothing",
  "adding-field-with-default":
    "classified as WARN when the default is volatile; squawk takes some for volatile that are not",
  "adding-not-nullable-field": "classified as WARN",
  "require-concurrent-index-creation": "classified as WARN",
  "prefer-robust-stmts": "a failed migration is cleaned up by the guarded migration, not run over",
  "require-enum-value-ordering": "taste",
  "prefer-bigint-over-int": "taste",
  "prefer-bigint-over-smallint": "taste",
  "prefer-identity": "taste",
  "prefer-text-field": "taste",
  "prefer-timestamp-tz": "taste",
  "ban-char-field": "taste",
  "unused-ignore": "taste",
  "syntax-error": "PostgreSQL's own grammar decides",
};

const Findings = z.array(
  z.object({ line: z.int(), message: z.string(), help: z.string().nullable(), rule_name: z.string() }),
);

type Linted = Pick<MigrationRecord, "name" | "statements" | "transaction">;

/** Asks squawk about each migration. Null where its program is not installed: there is none for every platform. */
export async function lintWithSquawk(
  migrations: readonly Linted[],
  serverMajor: number,
  { signal }: Pick<Context, "signal">,
): Promise<Found[] | null> {
  const file = squawkProgram();
  if (file === null) return null;
  const found: Found[] = [];
  for (const migration of migrations) {
    if (migration.statements.length > 0) found.push(...(await ask(file, migration, serverMajor, signal)));
  }
  return found;
}

/** Its npm packages hold the program itself, one a platform. */
function squawkProgram(): string | null {
  try {
    return createRequire(import.meta.url).resolve(`@squawk-cli/${process.platform}-${process.arch}/bin/squawk`);
  } catch {
    return null;
  }
}

async function ask(
  file: string,
  { name, statements, transaction }: Linted,
  serverMajor: number,
  signal: AbortSignal,
): Promise<Found[]> {
  const child = start({
    file,
    arguments: [
      ...["--reporter", "json", "--pg-version", String(serverMajor)],
      transaction ? "--assume-in-transaction" : "--no-assume-in-transaction",
    ],
    timeoutMs: 30_000,
    signal,
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(statements.map((sql) => `${sql};\n`).join(""));
  // It ends with 1 when it finds something; what it wrote tells that from a failure.
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), child.catch(() => undefined)]);
  const findings = Findings.safeParse(parseJson(stdout));
  signal.throwIfAborted();
  if (!findings.success) {
    throw new OperationError("failed", {
      where: `squawk on ${name}`,
      what: `did not answer with its findings:\n${stderr.trim().split("\n").slice(-5).join("\n")}\n`,
      next: "Install the dependencies again (npm ci), then run again.",
    });
  }
  return findings.data
    .filter(({ rule_name: rule }) => !(rule in silenced))
    .map(({ rule_name: rule, line, message, help }) => ({
      migration: name,
      finding: {
        rule: `squawk/${rule}`,
        class: "WARN",
        statement: statementAt(statements, line),
        message,
        remedy: help ?? `Read squawkhq.com/docs/${rule}.`,
        forbidden: false,
      },
    }));
}

/** The statement on a line, both from 0; each begins on a line of its own. */
function statementAt(statements: readonly string[], line: number): number | null {
  let end = 0;
  const index = statements.findIndex((sql) => (end += sql.split("\n").length) > line);
  return index < 0 ? null : index;
}
