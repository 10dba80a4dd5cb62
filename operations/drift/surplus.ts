import { beyondDeclared, type EnvironmentView } from "../coolify/probe.ts";
import { markOf, numberOf } from "../coolify/plan.ts";
import type { ApplicationSpec } from "../coolify/spec.ts";
import type { Difference } from "./spec.ts";

export interface DeclaredAs {
  readonly resource: string;
  readonly spec: ApplicationSpec;
}

/** Applications that run although nothing declares them any more, and those that are nobody's here. */
export function compareSurplus(
  declared: readonly DeclaredAs[],
  environment: EnvironmentView,
): { differences: (Difference & { resource: string })[]; unmanaged: string[] } {
  const { surplus, unmanaged } = beyondDeclared(
    declared.map(({ spec }) => spec),
    environment,
  );
  return {
    differences: surplus.map((one) => {
      const { name, status } = one;
      // What `apply` takes out of service by itself: a replica above the count, with this resource's mark.
      const owner = declared.find(({ spec }) => numberOf(spec, name) !== null && markOf(one)?.owner === spec.owner);
      return {
        ...{ part: name, kind: "replica", name: owner === undefined ? "application" : "surplus replica" },
        ...{ declared: null, found: `an application, ${status ?? "status unknown"}`, resource: owner?.resource ?? "" },
      };
    }),
    unmanaged: unmanaged.map(({ name }) => name),
  };
}
