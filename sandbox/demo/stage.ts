import type { Progress } from "../../operations/progress.ts";
import { pulumi, type PulumiRun } from "../../operations/pulumi.ts";
import { askVersion } from "../../operations/release/smoke.ts";
import type { Context } from "../../operations/verb.ts";
import type { RecordedRelease } from "../verbs/publish.ts";

/** What every chapter of the demo works with. */
export interface Stage {
  /** The sandbox's environment over this process's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Where users reach the product. */
  readonly urls: { readonly backend: string; readonly frontend: string };
  /** The sandbox's state folder. */
  readonly folder: string;
  readonly stack: "sandbox";
  readonly releases: readonly RecordedRelease[];
}

/** What verbs and pulumi take, with a chapter's own progress. */
export function contextOf(stage: Stage, progress: Progress): Context {
  return { env: stage.env, signal: stage.signal, progress };
}

/** The policy pack is always there. */
export const upArguments = ["up", "--yes", "--suppress-outputs", "--policy-pack", "policy"] as const;

/** In reality pulumi runs on another machine than the platform: here it may not take the processors from what serves users. */
const niceness = 10;

/** Runs `pulumi` on the stack, with a release named or without one. */
export async function pulumiOn(
  stage: Stage,
  args: readonly string[],
  release: string | undefined,
  progress: Progress,
): Promise<PulumiRun> {
  const context = contextOf(stage, progress);
  return pulumi(
    [...args, "--stack", stage.stack],
    { ...context, env: { ...stage.env, AFFEXAI_RELEASE: release } },
    // Stopped half-way, the platform is thrown away.
    { niceness, graceMs: 5_000 },
  );
}

/** The release and digest that an application answers as, or why it does not. */
export async function serving(url: string, signal: AbortSignal): Promise<string> {
  const answer = await askVersion(`${url}/version`, signal);
  return typeof answer === "string" ? answer : `${answer.release} ${answer.digest}`;
}
