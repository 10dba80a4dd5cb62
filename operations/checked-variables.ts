import type { z } from "zod";
import { OperationError } from "./error.ts";
import type { Context } from "./verb.ts";

/**
 * The variables that a long-running process is told its settings by. Throws (usage) with all problems at once, each by the variable's
 * name, and never with a value.
 */
export function checkedVariables<Schema extends z.ZodType>(
  schema: Schema,
  env: Context["env"],
  where: string,
): z.output<Schema> {
  // A variable that is set to nothing is as good as none: Coolify has no other way to take one away from a running application.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const variables = schema.safeParse(given);
  if (variables.success) return variables.data;
  const problems = variables.error.issues.map(({ path, message }) => {
    const [name] = path;
    const missing =
      path.length === 1 && typeof name === "string" && !(name in given) && message.startsWith("Invalid input");
    return `  ${path.join(".")}: ${missing ? "is not set" : message}`;
  });
  throw new OperationError("usage", {
    where,
    what: `cannot start with these variables:\n${problems.join("\n")}\n`,
    next: "Correct all of them and start again.",
  });
}
