import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { OperationError } from "../error.ts";
import { isProcessAlive } from "../process-alive.ts";
import { silent } from "../progress.ts";
import { waitFor } from "../wait.ts";

/** The process behind the address, as far as it can be ended by whoever looks at it. */
export interface ExaminedProcess {
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL. Resolves when nothing is left of it, and rejects when something still is after half a minute. */
  kill(): Promise<void>;
  /** How it ended: exit code, signal, or null when it is not ours to know. */
  readonly ended: Promise<number | string | null>;
}

const everyMs = 50;
const killLimitMs = 30_000;

/** A process that somebody else started. */
export function runningProcess(pid: number): ExaminedProcess {
  if (!isAlive(pid)) {
    throw new OperationError("refused", {
      where: `process ${pid}`,
      what: "does not run.",
      next: "Give the id of the process that answers at the address, as this machine counts it.",
    });
  }
  return {
    terminate: () => void process.kill(pid, "SIGTERM"),
    async kill() {
      process.kill(pid, "SIGKILL");
      await waitFor(
        {
          what: `the end of process ${pid}`,
          timeoutMs: killLimitMs,
          intervalMs: everyMs,
          next: "Look at what it waits for (ps, column STAT), and end it by hand.",
          look: () =>
            Promise.resolve(isAlive(pid) ? { done: false, seen: "it runs" } : { done: true, value: undefined }),
        },
        // What is cancelled has to be cleared up too.
        { progress: silent, signal: new AbortController().signal },
      );
    },
    get ended() {
      return gone(pid);
    },
  };
}

async function gone(pid: number): Promise<null> {
  while (isAlive(pid)) await pause(everyMs);
  return null;
}

/** A process that has ended and whose parent has not asked for its exit code is still listed. */
function isAlive(pid: number): boolean {
  return isProcessAlive(pid) && !isDefunct(pid);
}

/** Linux says so (proc(5), /proc/pid/stat, after the name in parentheses); elsewhere nothing does. */
function isDefunct(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\)/s, ""));
  } catch {
    return false;
  }
}
