import { constants, getPriority, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { z } from "zod";
import { start } from "./process.ts";
import { programFolder } from "./stack.ts";
import type { Context } from "./verb.ts";

export interface PulumiRun {
  readonly ok: boolean;
  /** Null when it was ended by a signal. */
  readonly exitCode: number | null;
  /** Everything it printed, both streams, in the order of arrival. */
  readonly output: string;
  readonly seconds: number;
}

export interface PulumiOptions {
  /** Added to the niceness of pulumi and all that it starts, as `nice -n` does: more is later, 19 the most. Default 0. */
  readonly niceness?: number;
  /** How long it may take to end in order when it is told to stop, before it is killed and leaves its lock. Default 10 minutes: a way back takes time. */
  readonly graceMs?: number;
}

const limitMs = 30 * 60_000;

/**
 * Runs `pulumi` on this program as a person would, and shows its lines as notes. A failing run is returned, not thrown: what it
 * means is for the caller to say. An aborted one throws.
 */
export async function pulumi(
  args: readonly string[],
  { env, progress, signal }: Context,
  { niceness = 0, graceMs = 10 * 60_000 }: PulumiOptions = {},
): Promise<PulumiRun> {
  const started = performance.now();
  const child = start({
    file: "pulumi",
    arguments: [...args, "--non-interactive", "--color", "never"],
    cwd: programFolder,
    env,
    timeoutMs: limitMs,
    signal,
    graceMs,
    // A second signal would make it end at once, in the middle of what it does.
    ownGroup: true,
  });
  const tell = () => progress.note("pulumi is told to stop, and ends what it has begun");
  signal.addEventListener("abort", tell, { once: true });
  if (child.pid !== undefined && niceness > 0) {
    setPriority(child.pid, Math.min(getPriority() + niceness, constants.priority.PRIORITY_LOW));
  }
  child.stdin.end();
  const output: string[] = [];
  // A JSON preview is one document for a program, not progress.
  const people = !args.includes("--json");
  const read = async (stream: NodeJS.ReadableStream) => {
    for await (const line of createInterface({ input: stream })) {
      output.push(line);
      if (people && tells(line)) progress.note(line.trim().slice(0, 160));
    }
  };
  const ended = child.then(
    ({ exitCode }) => exitCode ?? null,
    (error: unknown) => z.object({ exitCode: z.number().optional() }).parse(error).exitCode ?? null,
  );
  const [exitCode] = await Promise.all([ended, read(child.stdout), read(child.stderr)]);
  signal.removeEventListener("abort", tell);
  signal.throwIfAborted();
  return { ok: exitCode === 0, exitCode, output: output.join("\n"), seconds: (performance.now() - started) / 1000 };
}

/** Whether a line says more than that pulumi is still at work. */
function tells(line: string): boolean {
  return (
    line.trim() !== "" &&
    !line.startsWith("@ ") &&
    !/ (creating|updating|running|deleting)( \(\d+s\))?( \[.*\])?;? *$/.test(line)
  );
}

const Preview = z.object({
  steps: z.array(
    z.object({
      op: z.string(),
      urn: z.string(),
      newState: z.object({ type: z.string(), inputs: z.record(z.string(), z.unknown()).optional() }).optional(),
    }),
  ),
  changeSummary: z.record(z.string(), z.number()).optional(),
});
export type Preview = z.infer<typeof Preview>;

/** Reads what `pulumi preview --json` printed (PreviewDigest of pulumi 3.259, pkg/display). */
export function readPreview({ output }: PulumiRun): Preview {
  return Preview.parse(JSON.parse(output.slice(output.indexOf("{"))));
}
