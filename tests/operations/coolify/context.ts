import type { Progress } from "../../../operations/progress.ts";
import type { Context } from "../../../operations/verb.ts";

/** A context whose progress is kept as lines, steps and notes alike. */
export function recorded(
  env: Context["env"],
  signal: AbortSignal = new AbortController().signal,
): Context & { readonly lines: string[] } {
  const lines: string[] = [];
  const progress: Progress = {
    step: (title, work) => {
      lines.push(title);
      return work(progress);
    },
    note: (text) => void lines.push(text),
  };
  return { env, progress, signal, lines };
}
