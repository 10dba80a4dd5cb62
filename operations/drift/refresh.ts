import { z } from "zod";
import { OperationError } from "../error.ts";
import { pulumi } from "../pulumi.ts";
import type { Context } from "../verb.ts";
import type { Comparison } from "../coolify/differences.ts";
import type { Difference } from "./spec.ts";

const Digest = z.object({
  steps: z.array(
    z.object({
      op: z.string(),
      urn: z.string(),
      oldState: z.object({ outputs: z.record(z.string(), z.unknown()).default({}) }).optional(),
      newState: z.object({ outputs: z.record(z.string(), z.unknown()).default({}) }).optional(),
      diffReasons: z.array(z.string()).nullish(),
    }),
  ),
});

/** What the providers read, against the state: `pulumi refresh` that changes nothing. Values are not told, because they may be secret. */
export async function compareProviders(stack: string, context: Context): Promise<Comparison> {
  const run = await pulumi(["refresh", "--preview-only", "--expect-no-changes", "--json", "--stack", stack], context);
  const start = run.output.indexOf("{\n");
  const digest = start < 0 ? undefined : Digest.safeParse(jsonAt(run.output.slice(start)));
  const differences = digest?.success === true ? digest.data.steps.flatMap(providerDifference) : [];
  if (run.ok || differences.length > 0) return { differences, unobserved: [] };
  throw new OperationError("unreachable", {
    where: `pulumi refresh of stack ${stack}`,
    what: `could not compare (exit code ${run.exitCode ?? "none"}): ${lastLines(run.output)}.`,
    next: "Run `pulumi refresh --preview-only` yourself and mend what it says.",
  });
}

/** Only changed properties are named. A refresh step that changes nothing is `refresh` with equal outputs, or `same`. */
function providerDifference({ op, urn, oldState, newState }: z.output<typeof Digest>["steps"][number]): Difference[] {
  const part = urn.slice(urn.lastIndexOf("::") + 2);
  const told = (name: string, found: string | null): Difference => ({
    ...{ part, kind: "provider", name, declared: "as in the state", found },
  });
  if (op === "delete") return [told("resource", null)];
  if (op !== "update") return [];
  const [old, now] = [oldState?.outputs ?? {}, newState?.outputs ?? {}];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  const changed = names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name])).sort();
  return changed.length === 0 ? [told("resource", "changed")] : changed.map((name) => told(name, "changed"));
}

function jsonAt(text: string): unknown {
  const end = text.lastIndexOf("\n}");
  try {
    return JSON.parse(end < 0 ? text : text.slice(0, end + 2)) as unknown;
  } catch {
    return null;
  }
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-5).join(" ").slice(0, 400);
}
