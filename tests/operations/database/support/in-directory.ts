import { createInterface } from "node:readline";
import { execa } from "execa";
import type { RunScript } from "../../../../operations/migration/image-runner.ts";

/** Runs the script as the unpacked runtime does, without an image around it. */
export function inDirectory(dir: string): RunScript {
  return async ({ runId, argv, input, env, timeoutMs, onLine }) => {
    const child = execa(process.execPath, [`--title=affexai-run-${runId}`, ...argv], {
      cwd: dir,
      env,
      input,
      timeout: timeoutMs,
      reject: false,
      buffer: false,
      stdout: "pipe",
      stderr: "pipe",
    });
    const lines = async (from: "stdout" | "stderr") => {
      for await (const line of createInterface({ input: child[from] })) onLine(line, from);
    };
    await Promise.all([lines("stdout"), lines("stderr"), child]);
    const { exitCode } = await child;
    if (exitCode !== 0) throw new Error(`the script ended with ${exitCode ?? "a signal"}`);
  };
}
