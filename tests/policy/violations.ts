import {
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
  unknownCheckingProxy,
} from "@pulumi/policy";

/** A resource as the engine shows it to a policy. */
export interface Shown {
  /** A component of ours or a class of a provider's SDK: its type token is read from it. */
  readonly resourceClass: unknown;
  readonly name?: string;
  /** Types of the components around it, outermost first. */
  readonly within?: readonly string[];
  /** The component directly around it, for rules about whole stacks. */
  readonly parent?: Shown;
  readonly props: Record<string, unknown>;
  readonly opts?: Partial<ResourceValidationArgs["opts"]>;
}

/** Throws when an unknown value is read, as in the engine. Its typings are stripped from the package. */
const proxyOf = unknownCheckingProxy as unknown as (props: Record<string, unknown>) => Record<string, unknown>;

/** What a preview has where a value cannot be known (@pulumi/policy, proxy.js). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Everything that a rule refuses about one resource, in order. */
export async function violations(policy: ResourceValidationPolicy, shown: Shown): Promise<string[]> {
  const { validateResource = [] } = policy;
  const found: string[] = [];
  for (const validate of Array.isArray(validateResource) ? validateResource : [validateResource]) {
    try {
      await validate(argumentsOf(shown), (violation) =>
        found.push(typeof violation === "string" ? violation : JSON.stringify(violation)),
      );
    } catch (error) {
      if (!(error instanceof NotApplicable)) throw error;
    }
  }
  return found;
}

/** Everything that a rule refuses about a whole stack of resources of these classes. */
export async function stackViolations(policy: StackValidationPolicy, resources: readonly Shown[]): Promise<string[]> {
  const found: string[] = [];
  await policy.validateStack(
    {
      resources: resources.map((shown) => ({
        ...argumentsOf(shown),
        ...(shown.parent && { parent: { ...argumentsOf(shown.parent), dependencies: [], propertyDependencies: {} } }),
        dependencies: [],
        propertyDependencies: {},
      })),
      getConfig: () => {
        throw new Error("no rule has a configuration");
      },
      notApplicable: () => {
        throw new NotApplicable();
      },
      stackTags: new Map(),
    },
    (violation) => found.push(typeof violation === "string" ? violation : JSON.stringify(violation)),
  );
  return found;
}

class NotApplicable extends Error {}

function argumentsOf(shown: Shown): ResourceValidationArgs {
  const { name = "thing", within = [], props, opts } = shown;
  const type = tokenOf(shown.resourceClass);
  const isType = (resourceClass: unknown) => tokenOf(resourceClass) === type;
  // A preview without unknown values is an update: the proxy is there in both.
  const proxied = proxyOf(props);
  return {
    type,
    name,
    urn: `urn:pulumi:test::affexai::${[...within, type].join("$")}::${name}`,
    props: proxied,
    opts: {
      protect: false,
      ignoreChanges: [],
      aliases: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      additionalSecretOutputs: [],
      ...opts,
    },
    stackTags: new Map(),
    isType,
    asType: () => undefined,
    getConfig: () => {
      throw new Error("no rule has a configuration");
    },
    notApplicable: () => {
      throw new NotApplicable();
    },
  };
}

function tokenOf(resourceClass: unknown): string {
  const token = (resourceClass as { __pulumiType?: unknown }).__pulumiType;
  if (typeof token !== "string") throw new Error("a class without a type token");
  return token;
}

/** The object with one property, at a dotted path, set to a value; `undefined` takes it away. */
export function bent(props: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [head = "", ...rest] = path.split(".");
  const copy = { ...props };
  if (rest.length === 0) {
    if (value === undefined) delete copy[head];
    else copy[head] = value;
    return copy;
  }
  copy[head] = bent((props[head] ?? {}) as Record<string, unknown>, rest.join("."), value);
  return copy;
}
