import type { Placement } from "../../operations/coolify/spec.ts";

/** Where things go in these tests. */
export const placement: Placement = {
  projectUuid: "p-1",
  environmentName: "staging",
  environmentUuid: "e-1",
  serverUuid: "s-1",
};

/** The spec that a command was given. */
export function specOf(registration: { inputs: Record<string, unknown> }): unknown {
  return JSON.parse(registration.inputs["stdin"] as string);
}
