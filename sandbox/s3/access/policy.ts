import { z } from "zod";
import { isOperator } from "./conditions.ts";

const oneOrMore = z.union([z.string().transform((item) => [item]), z.array(z.string()).min(1)]);
const conditionValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const conditionValues = z.union([conditionValue.transform((item) => [item]), z.array(conditionValue)]);

const PrincipalSet = z.union([
  z.literal("*").transform(() => ({ AWS: ["*"] })),
  z.strictObject({ AWS: oneOrMore }),
  z.strictObject({ Service: oneOrMore }),
]);

const either = (a: unknown, b: unknown) => (a === undefined) !== (b === undefined);

const Statement = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: PrincipalSet.optional(),
    NotPrincipal: PrincipalSet.optional(),
    Action: oneOrMore.optional(),
    NotAction: oneOrMore.optional(),
    Resource: oneOrMore.optional(),
    NotResource: oneOrMore.optional(),
    Condition: z.record(z.string().refine(isOperator), z.record(z.string(), conditionValues)).default({}),
  })
  .refine((statement) => either(statement.Action, statement.NotAction))
  .refine((statement) => either(statement.Resource, statement.NotResource));
export type Statement = z.infer<typeof Statement>;

const statements = z.union([Statement.transform((item) => [item]), z.array(Statement).min(1)]);

const Document = z.strictObject({
  Version: z.enum(["2012-10-17", "2008-10-17"]).optional(),
  Id: z.string().optional(),
  Statement: statements,
});
export type Policy = z.infer<typeof Document>;

/** Reads a policy. Null for anything that IAM would call malformed, an unknown condition operator included. */
export function readPolicy(kind: "identity" | "bucket", json: string): Policy | null {
  const parsed = Document.safeParse(parseJson(json));
  if (!parsed.success) return null;
  const wellFormed = parsed.data.Statement.every((statement) =>
    kind === "bucket"
      ? either(statement.Principal, statement.NotPrincipal)
      : statement.Principal === undefined && statement.NotPrincipal === undefined,
  );
  return wellFormed ? parsed.data : null;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
