import type { Ledger } from "./ledger.ts";

/**
 * Runs the side effects of an attempt. A failure is written to the ledger before it is thrown on, so that the next `up` runs the
 * release commands again; a process that is killed leaves the attempt open, which has the same effect.
 */
export async function failAttemptOnError<T>(ledger: Ledger, attempt: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await ledger.close(attempt, "failed", error instanceof Error ? error.message : String(error));
    throw error;
  }
}
