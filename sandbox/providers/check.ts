import type { z } from "zod";
import { isUnknown, type Wire } from "./wire.ts";

/** What is wrong with inputs, by property. What a preview cannot know yet is not judged. */
export function checkFailures(schema: z.ZodType, inputs: Wire): { property: string; reason: string }[] {
  const result = schema.safeParse(inputs);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        property: [...issue.path, key].join("."),
        reason: "is not an input that the sandbox acts on: it would be ignored here and not in production",
      }));
    }
    if (reachesUnknown(inputs, issue.path)) return [];
    return [{ property: issue.path.join("."), reason: issue.message }];
  });
}

function reachesUnknown(inputs: unknown, path: PropertyKey[]): boolean {
  let value = inputs;
  for (const key of path) {
    if (isUnknown(value)) return true;
    value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }
  return isUnknown(value);
}
