import {
  type PolicyResource,
  type ReportViolation,
  type ResourceValidation,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
  UnknownValueError,
} from "@pulumi/policy";

/** A resource class of the program or of a provider's SDK; rules get their type tokens from these, never from strings. */
export type ResourceClass = Parameters<ResourceValidationArgs["isType"]>[0];

/**
 * What a rule is shown: declared properties, each of which may be missing or of another shape. A rule parses before it believes.
 * Reading one that a preview cannot know ends the rule as a violation.
 */
export type Declared = Readonly<Record<string, unknown>>;

/** Reports that `what` is wrong. Never given a value: rules see secrets in the open. */
export type Refuse = (what: string) => void;

/** A mandatory rule about resources; its name is its file's name. */
export function rule(
  about: Required<Pick<ResourceValidationPolicy, "name" | "description" | "severity" | "remediationSteps">>,
  ...validateResource: ResourceValidation[]
) {
  return { ...about, enforcementLevel: "mandatory", validateResource } satisfies ResourceValidationPolicy;
}

/**
 * Judges every resource of a class. The SDK turns the reading of an unknown value into an advisory that stops nothing
 * (@pulumi/policy, server.js); here it is a violation: what cannot be judged in preview is not let through.
 */
export function judge(
  resourceClass: ResourceClass,
  decide: (props: Declared, refuse: Refuse, resource: ResourceValidationArgs) => void,
): ResourceValidation {
  return (resource: ResourceValidationArgs, report: ReportViolation) => {
    if (!resource.isType(resourceClass)) return resource.notApplicable("The rule is about another type.");
    const refuse: Refuse = (what) => report(`${resource.name}: ${what}`);
    try {
      decide(resource.props, refuse, resource);
    } catch (error) {
      if (!(error instanceof UnknownValueError && error instanceof Error)) throw error;
      refuse(`${error.message}; give a value that is known, because what cannot be judged is refused.`);
    }
  };
}

/**
 * Judges what a stack has altogether: what is missing is no resource that could be judged. Gates previews only (docs/decisions/0006). As with
 * `judge`, what a preview cannot know is a violation.
 */
export function judgeStack(
  decide: (resources: readonly PolicyResource[], refuse: Refuse) => void,
): StackValidationPolicy["validateStack"] {
  return ({ resources }, report) => {
    try {
      decide(resources, (what) => report(what));
    } catch (error) {
      if (!(error instanceof UnknownValueError && error instanceof Error)) throw error;
      report(`${error.message}; give a value that is known, because what cannot be judged is refused.`);
    }
  };
}

/** The object at a property; empty when there is none. */
export function objectAt(props: Declared, key: string): Declared {
  const value = props[key];
  return typeof value === "object" && value !== null ? (value as Declared) : {};
}

/** Whether a property is there at all, known or not. */
export function has(props: Declared, key: string): boolean {
  return Object.keys(props).includes(key);
}

/** Whether a preview cannot know the property yet. */
export function isUnknown(props: Declared, key: string): boolean {
  try {
    void props[key];
    return false;
  } catch (error) {
    if (error instanceof UnknownValueError) return true;
    throw error;
  }
}
