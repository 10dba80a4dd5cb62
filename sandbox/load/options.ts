import { z } from "zod";
import { OperationError } from "../../operations/error.ts";

/** The options of a kind of load with their defaults. Errors: usage, all problems at once. */
export function loadOptions<Options extends z.ZodType>(
  kind: string,
  schema: Options,
  input: unknown,
): z.output<Options> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const what = `cannot be started:\n${z.prettifyError(parsed.error)}\n`;
  throw new OperationError("usage", { where: kind, what, next: "Correct these options." });
}
