import { z } from "zod";
import { ApplicationSpec } from "../coolify/spec.ts";

/** One thing that is not as declared. No value of a variable is ever in it: equal values have equal marks within one run. */
export const Difference = z.strictObject({
  /** `backend-2`, `postgres affexai-postgres`: what a person looks for. */
  part: z.string(),
  kind: z.enum([
    "replica",
    "image",
    "setting",
    "variable",
    "labels",
    "status",
    "answer",
    "description",
    "database",
    "place",
    "registry",
    "role",
    "ledger",
    "provider",
  ]),
  /** The setting's or the variable's name, a role's attribute. */
  name: z.string(),
  /** Null where nothing is declared. */
  declared: z.string().nullable(),
  /** Null where there is nothing. */
  found: z.string().nullable(),
});
export type Difference = z.infer<typeof Difference>;

/** What a comparison could not see although the service answered. It changes no verdict, and is never passed over in silence. */
export const Unobserved = z.strictObject({ part: z.string(), what: z.string(), reason: z.string() });
export type Unobserved = z.infer<typeof Unobserved>;

/** Who puts a difference right, and how. */
export const Repair = z.strictObject({
  by: z.enum(["affexai drift --repair", "pulumi up", "a person"]),
  what: z.string(),
});
export type Repair = z.infer<typeof Repair>;

export const DriftReport = z.strictObject({
  stack: z.string(),
  checkedAt: z.iso.datetime(),
  /** `drift` wins over `could-not-check`: what was found is certain, whatever else could not be looked at. */
  outcome: z.enum(["clean", "drift", "could-not-check"]),
  /** The parts that were looked at. */
  checked: z.array(z.string()),
  differences: z.array(z.strictObject({ ...Difference.shape, resource: z.string(), repair: Repair })),
  /** Parts that could not be looked at, each with the reason. */
  unchecked: z.array(z.strictObject({ part: z.string(), reason: z.string() })),
  unobserved: z.array(Unobserved),
  /** Resources that `--repair` has put right before this comparison. */
  repaired: z.array(z.string()),
  /** Applications in this environment that are nobody's here: left alone, and no drift. */
  unmanaged: z.array(z.string()),
});
export type DriftReport = z.infer<typeof DriftReport>;

/**
 * What a preview asks about: applications as they would be rolled out. The values of an application's secret variables come in the
 * environment as VARIABLE_<application>__<name>.
 */
export const PlanSpec = z.strictObject({
  applications: z
    .array(
      z.strictObject({
        spec: ApplicationSpec,
        /** Variables whose values are not known before the update: they are in neither list of the spec. */
        unknownVariables: z.array(z.string()),
      }),
    )
    .min(1),
});
export type PlanSpec = z.infer<typeof PlanSpec>;

/** By the owner in the spec: what `up` would change, in lines for people. Null where Coolify has all of it. */
export const PlanResult = z.strictObject({
  applications: z.array(z.strictObject({ owner: z.string(), changes: z.string().nullable() })),
});
export type PlanResult = z.infer<typeof PlanResult>;
