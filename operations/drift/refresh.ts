import { z } from "zod";
import { isDeepStrictEqual } from "node:util";
import { OperationError } from "../error.ts";
import { parseJson } from "../json.ts";
import { pulumi } from "../pulumi.ts";
import type { Context } from "../verb.ts";
import type { Comparison } from "../coolify/differences.ts";
import type { Difference } from "./spec.ts";

const State = z.object({ custom: z.boolean(), outputs: z.record(z.string(), z.unknown()).default({}) });

/** What `pulumi refresh --json` prints (PreviewDigest of pulumi 3.259, pkg/display): every step is a `refresh`, changed or not. */
const Digest = z.object({
  steps: z
    .array(z.object({ urn: z.string(), oldState: State.optional(), newState: State.optional() }))
    .nullish()
    .transform((steps) => steps ?? []),
  diagnostics: z
    .array(z.object({ message: z.string().default(""), severity: z.string().optional() }))
    .nullish()
    .transform((diagnostics) => diagnostics ?? []),
});

/** How pulumi ends when changes were found that were not expected (pulumi 3.259, sdk/go/common/util/cmdutil/exit_codes.go). */
const changesFound = 7;

/** What the providers read, against the state: `pulumi refresh` that changes nothing. Values are not told, because they may be secret. */
export async function compareProviders(stack: string, context: Context): Promise<Comparison> {
  const run = await pulumi(["refresh", "--preview-only", "--expect-no-changes", "--json", "--stack", stack], context);
  if (run.ok) return { differences: [], unobserved: [] };
  const digest = digestIn(run.output);
  if (run.exitCode === changesFound && digest !== null) {
    const differences = digest.steps.flatMap(providerDifferences);
    if (differences.length > 0) return { differences, unobserved: [] };
  }
  const errors = digest?.diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message.trim());
  const said =
    [...new Set(errors)].slice(0, 3).join("; ") || run.output.trim().split("\n").slice(-3).join(" ").slice(0, 400);
  throw new OperationError("unreachable", {
    where: `pulumi refresh of stack ${stack}`,
    what: `ended with exit code ${run.exitCode ?? "none"}: ${said}.`,
    next: "Run `pulumi refresh --preview-only` yourself and mend what it says.",
  });
}

/** Of a resource that is there only the changed properties are named. */
export function providerDifferences({
  urn,
  oldState,
  newState,
}: z.output<typeof Digest>["steps"][number]): Difference[] {
  const part = urn.slice(urn.lastIndexOf("::") + 2);
  const told = (name: string, found: string | null): Difference => ({
    ...{ part, kind: "provider", name, declared: "as in the state", found },
  });
  if (oldState?.custom !== true) return [];
  if (newState === undefined) return [told("resource", null)];
  const [old, now] = [oldState.outputs, newState.outputs];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names
    .filter((name) => !isDeepStrictEqual(old[name], now[name]))
    .sort()
    .map((name) => told(name, "changed"));
}

function digestIn(output: string): z.output<typeof Digest> | null {
  const [start, end] = [output.indexOf("{\n"), output.lastIndexOf("\n}")];
  if (start < 0 || end < start) return null;
  const digest = Digest.safeParse(parseJson(output.slice(start, end + 2)));
  return digest.success ? digest.data : null;
}
