import pc from "picocolors";
import type { Progress } from "./progress.ts";

/** Progress as plain lines, for CI and log files: a line when a step begins, its notes, and a line with the time it took. */
export function lines(write: (line: string) => void, depth = 0): Progress {
  const indent = "  ".repeat(depth);
  return {
    async step(title, work) {
      const started = performance.now();
      write(`${indent}${pc.cyan("·")} ${title}`);
      try {
        const result = await work(lines(write, depth + 1));
        write(`${indent}${pc.green("✓")} ${title} ${pc.dim(elapsed(started))}`);
        return result;
      } catch (error) {
        write(`${indent}${pc.red("✗")} ${title} ${pc.dim(elapsed(started))}`);
        throw error;
      }
    },
    note: (text) => write(`${indent}${pc.dim(text)}`),
  };
}

/** Time since `started` (of performance.now()), as people read it. */
export function elapsed(started: number): string {
  const seconds = (performance.now() - started) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
