import { Environment, rules } from "./schema";

/** The configuration is wrong. The message lists every problem at once and never holds a value, which may be a secret. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** Reads and checks the whole configuration. An empty variable counts as not set: that is how most tools write "none". */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  const result = Environment.safeParse(given, { error: inPlainWords });
  const problems = [
    ...(result.error?.issues ?? []).map((issue) => `${issue.path.join(".")} ${issue.message}`),
    ...rules.filter((rule) => rule.broken(given)).map((rule) => `${rule.variable} ${rule.message}`),
  ];
  if (result.success && problems.length === 0) return result.data;
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  throw new ConfigurationError(
    `The configuration has ${count}; .env.example describes every variable.\n  ${problems.join("\n  ")}`,
  );
}

function inPlainWords(issue: { code?: string; input?: unknown; values?: unknown }): string | undefined {
  if (issue.input === undefined) return "is missing";
  if (issue.code === "invalid_value" && Array.isArray(issue.values)) return `must be ${issue.values.join(" or ")}`;
  return undefined;
}
