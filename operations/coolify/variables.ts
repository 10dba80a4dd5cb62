import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { ApplicationSpec } from "./spec.ts";

/**
 * All variables of an application with their values: the plain ones of the spec, the secret ones from VARIABLE_<name>. Missing ones,
 * and those that would not reach the container as they are, are refused before anything is touched, all of them at once.
 */
export function variableValues(spec: ApplicationSpec, env: Context["env"]): Record<string, string> {
  const missing = spec.secretVariables.filter((name) => env[`VARIABLE_${name}`] === undefined);
  if (missing.length > 0) {
    throw new OperationError("usage", {
      where: `application ${spec.name}`,
      what: `the values of these secret variables were not given: ${missing.join(", ")}.`,
      next: `Set ${missing.map((name) => `VARIABLE_${name}`).join(", ")}.`,
    });
  }
  const secrets = spec.secretVariables.map((name) => [name, env[`VARIABLE_${name}`] ?? ""] as const);
  const values = { ...spec.variables, ...Object.fromEntries(secrets) };
  const problems = Object.entries(values).flatMap(([name, value]) => {
    const problem = whyNotLiteral(name, value);
    return problem === null ? [] : [`${name} ${problem}`];
  });
  if (problems.length === 0) return values;
  throw new OperationError("usage", {
    where: `application ${spec.name}`,
    what: `Coolify cannot hand these variables over as they are: ${problems.join("; ")}.`,
    next: "Change the values, or encode them (for example in base64) and decode them in the application.",
  });
}

/**
 * Why a literal variable would break or change on its way, in words without its value. Coolify trims values and writes literal ones into
 * the .env file in single quotes without escaping, JSON ones without quotes (379abb2, Models/EnvironmentVariable.php); compose reads a
 * quote inside as the value's end, and fails the deployment.
 */
function whyNotLiteral(name: string, value: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) return "is no name of letters, digits, underscores and dots";
  if (value !== value.trim()) return "begins or ends with white space, which Coolify cuts off";
  if (isJsonText(value)) return /\$| #|\n/.test(value) ? "is JSON with a $, a # after a space or a line break" : null;
  if (value.includes("'")) return "has a single quote in it";
  if (value.endsWith("\\")) return "ends with a backslash";
  return null;
}

function isJsonText(value: string): boolean {
  if (!/^[[{]/.test(value)) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
