import type { AlterEnumStmt, Node } from "libpg-query";
import { withRemedy } from "../finding.ts";
import { parsed } from "./parsed.ts";
import type { Found, ImageFacts, LintRule } from "./rule.ts";

interface Added {
  readonly label: string;
  /** The migration that adds it. */
  readonly by: string;
}

/**
 * A new value of an enum is of no use before it was committed ("unsafe use of new value", SQLSTATE 55P04), and TypeORM's mode `all` commits
 * once for all migrations that are pending together. A type that the
 * migration itself makes is an exception.
 */
export const enumValueInItsTransaction: LintRule<ImageFacts> = ({ migrations, transactionMode }) => {
  const found: Found[] = [];
  // One migration that decides for itself makes the runner wrap each on its own.
  const together = transactionMode === "all" && migrations.every(({ transaction }) => transaction);
  let added: Added[] = [];
  for (const { name, statements, transaction } of migrations) {
    if (!together) added = [];
    // A type of an earlier migration is there already wherever that one ran.
    const made = new Set<string>();
    if (!transaction || transactionMode === "none") continue;
    for (const [index, sql] of statements.entries()) {
      for (const node of parsed(sql)) {
        const used = added.filter(({ label }) => literals(node).includes(label));
        found.push(...used.map((one) => ({ migration: name, finding: tooEarly(one, name, index) })));
        if ("CreateEnumStmt" in node) made.add(typeOf(node.CreateEnumStmt.typeName ?? []));
        if ("AlterEnumStmt" in node && addsTo(node.AlterEnumStmt, made))
          added.push({ label: node.AlterEnumStmt.newVal ?? "", by: name });
      }
    }
  }
  return found;
};

function tooEarly({ label, by }: Added, name: string, index: number) {
  const where = by === name ? "by this migration" : `by ${by}, which is pending together with it`;
  return withRemedy(
    {
      rule: "enum-value-in-its-transaction",
      class: "WARN",
      text: `'${label}' is used before the transaction ends in which it is added ${where}: it would fail.`,
      // Between migrations it depends on what is pending together, which only the plan for a database knows.
      forbidden: by === name,
    },
    index,
  );
}

function addsTo({ oldVal, typeName }: AlterEnumStmt, made: ReadonlySet<string>): boolean {
  return oldVal === undefined && !made.has(typeOf(typeName ?? []));
}

function typeOf(names: readonly Node[]): string {
  return names.flatMap((one) => ("String" in one ? [one.String.sval ?? ""] : [])).at(-1) ?? "";
}

/** Text constants anywhere in a statement. The value that an ALTER TYPE adds is none. */
function literals(node: Node): string[] {
  const found: string[] = [];
  JSON.stringify(node, (key, value: unknown) => {
    if (key === "sval" && typeof value === "object" && value !== null && "sval" in value)
      found.push(String(value.sval));
    return value;
  });
  return found;
}
