import { beyondDeclared, type EnvironmentView } from "../coolify/probe.ts";
import type { ApplicationSpec } from "../coolify/spec.ts";
import type { Difference } from "./spec.ts";

/** Applications that run although nothing declares them any more, and those that are nobody's here. */
export function compareSurplus(
  specs: readonly ApplicationSpec[],
  environment: EnvironmentView,
): { differences: Difference[]; unmanaged: string[] } {
  const { surplus, unmanaged } = beyondDeclared(specs, environment);
  return {
    differences: surplus.map(({ name, status }) => ({
      part: name,
      kind: "replica",
      name,
      declared: null,
      found: `an application, ${status ?? "status unknown"}`,
    })),
    unmanaged: unmanaged.map(({ name }) => name),
  };
}
