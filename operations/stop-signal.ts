import { exitCodes } from "./error.ts";

/**
 * Aborted by the process's first SIGINT or SIGTERM, so that the work stops in order; a second one ends the process at once. Never `once`:
 * signal-exit, which execa brings, sends the signal again to a process whose listeners are all its own, and ours would be gone by then.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCodes.stopped);
      controller.abort(new Error(signal));
    });
  }
  return controller.signal;
}
