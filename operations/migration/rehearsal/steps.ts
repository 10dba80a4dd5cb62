import { z } from "zod";
import { RehearsedStatement } from "../../release/spec.ts";

/** A statement as it was traced. */
const Traced = z.object({ sql: z.string(), ...RehearsedStatement.shape });
export type Traced = z.infer<typeof Traced>;

/** What the script in the image says while it rehearses; it stops at a gate after each. */
export const Reached = z.object({
  affexai: z.literal("reached"),
  gate: z.int(),
  name: z.string(),
  step: z.enum(["before", "up", "down", "up-again"]),
  ms: z.number().optional(),
  statements: z.array(Traced).optional(),
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
