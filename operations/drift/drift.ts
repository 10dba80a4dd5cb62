import { redactor } from "../redact.ts";
import type { Context } from "../verb.ts";
import { compareStack } from "./compare.ts";
import { readState, type StackState } from "./managed.ts";
import type { Part } from "./part.ts";
import { compareProviders } from "./refresh.ts";
import { repairStack } from "./repair.ts";
import { DriftReport } from "./spec.ts";

/** Compares a stack with what there is; with `repair`, puts right what can be and compares again. */
export async function findDrift(
  { stack, repair }: { stack: string; repair: boolean },
  context: Context,
): Promise<DriftReport> {
  const state = await context.progress.step(`the state of ${stack}`, () => readState(stack, context));
  const compare = () =>
    context.progress.step("compare", (progress) => {
      const watched = { ...context, progress };
      return compareStack(stack, state, [providers(stack, watched)], watched);
    });
  const report = await compare();
  if (!repair || report.outcome !== "drift") return withoutSecrets(report, state);
  const repaired = await repairStack(state, report, context);
  return withoutSecrets({ ...(await compare()), repaired }, state);
}

function providers(stack: string, context: Context): Part {
  return { resource: "", title: "what the providers read", look: () => compareProviders(stack, context) };
}

/** No comparison tells a secret. Should one be wrong about that, no value of the state leaves here all the same. */
function withoutSecrets(report: DriftReport, { managed }: StackState): DriftReport {
  const secrets = managed.flatMap(({ env }) => Object.entries(env));
  const redact = redactor(
    Object.fromEntries(secrets.map(([name, value], index) => [`${name}_${index}_SECRET`, value])),
  );
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return redact(value);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, clean(part)]));
  };
  return DriftReport.parse(clean(report));
}
