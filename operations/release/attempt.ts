import { OperationError } from "../error.ts";
import type { Ledger } from "./ledger.ts";

/**
 * Runs the side effects of an attempt. A failure is written to the ledger before it is thrown on, so that the next `up` runs the
 * release commands again; a process that is killed leaves the attempt open, which has the same effect.
 */
export async function failAttemptOnError<T>(ledger: Ledger, attempt: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await ledger.close(attempt, "failed", wordsOf(error)).catch((unwritten: unknown) => {
      // It stays open, which has the same effect; why it failed matters more than that this could not be written down.
      throw withNote(error, `The ledger could not be told (${wordsOf(unwritten)}): attempt ${attempt} stays open.`);
    });
    throw error;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same failure, with a sentence more about what is wrong. */
function withNote(error: unknown, note: string): unknown {
  if (error instanceof OperationError) {
    const { text, kind } = error;
    return new OperationError(kind, { ...text, what: `${text.what} ${note}` }, { cause: error });
  }
  if (error instanceof Error) error.message += ` ${note}`;
  return error;
}
