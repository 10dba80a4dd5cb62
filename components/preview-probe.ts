import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { ApplicationSpec } from "../operations/coolify/spec.ts";
import type { SpecInputs } from "./command.ts";

/** Told of each application while a preview runs, and says beside it what the rollout would change on Coolify. */
export interface PreviewProbe {
  add(resource: pulumi.Resource, input: ProbedInput, secrets: Record<string, pulumi.Input<string>>): void;
}

/** The spec without what only its run knows, its variables one by one: each may be unknown by itself. */
export type ProbedInput = Omit<
  SpecInputs<z.input<typeof ApplicationSpec>>,
  "variables" | "secretVariables" | "after"
> & { variables: Record<string, pulumi.Input<string>> };
