import type { z } from "zod";
import type { Progress } from "./progress.ts";

/** What a verb is given besides its spec. */
export interface Context {
  /** Access credentials and secrets, by their standard names. A verb reads nothing else from the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  /** Aborted when the process is asked to end. Waits and child processes obey it. */
  readonly signal: AbortSignal;
}

/** A verb that a command resource runs: a strict spec in, one JSON object out. Idempotent and resumable. */
export interface Verb<Spec extends z.ZodType, Result extends z.ZodType> {
  readonly spec: Spec;
  readonly result: Result;
  run(spec: z.output<Spec>, context: Context): Promise<z.input<Result>>;
}
