import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../../../operations/progress.ts";
import type { Context } from "../../../operations/verb.ts";

/** Where the tests of this process share what verbs know of a Coolify: another run's ports may be the same ones. */
const runtimeFolder = mkdtempSync(join(tmpdir(), "affexai-runtime-"));
process.once("exit", () => rmSync(runtimeFolder, { recursive: true, force: true }));

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
  return { env: { XDG_RUNTIME_DIR: runtimeFolder, ...env }, progress, signal, lines };
}
