import { z } from "zod";
import { LockMode } from "../../release/spec.ts";

/** What the script in the image says while it rehearses; it stops at a gate after each. */
export const Reached = z.object({
  affexai: z.literal("reached"),
  gate: z.int(),
  name: z.string(),
  step: z.enum(["before", "up", "down", "up-again"]),
  ms: z.number().optional(),
  statements: z
    .array(
      z.object({
        sql: z.string(),
        ms: z.number(),
        locks: z.record(z.string(), LockMode),
        rewrites: z.array(z.string()),
        rows: z.int().nullable(),
      }),
    )
    .optional(),
  failure: z.object({ message: z.string(), code: z.string().nullable() }).optional(),
});
export type Reached = z.infer<typeof Reached>;

export const Failed = z.object({
  affexai: z.literal("failed"),
  message: z.string(),
  code: z.string().nullable(),
  kind: z.enum(["failed", "refused"]),
});
export type Failed = z.infer<typeof Failed>;
