import { setTimeout as pause } from "node:timers/promises";
import { isRunning, type ProcessIdentity } from "./process-table.ts";

/** How a process is asked to end: a signal, and how long it then has. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly withinMs: number;
}

/**
 * Ends a process by the signals given, one after the other, and returns when it is gone: for processes that are not our children, which can
 * only be watched. Throws if it is still there after the last step.
 */
export async function stopProcess(identity: ProcessIdentity, steps: readonly StopStep[]): Promise<void> {
  for (const { signal, withinMs } of steps) {
    if (!(await isRunning(identity))) return;
    send(identity.pid, signal);
    if (await goneWithin(identity, withinMs)) return;
  }
  throw new Error(`Process ${identity.pid} is still running after ${steps.map(({ signal }) => signal).join(", ")}.`);
}

/** Sends a signal; a process that is gone by now is what the sender wanted. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function goneWithin(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (await isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await pause(25);
  }
  return true;
}
