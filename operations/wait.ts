import { setTimeout as delay } from "node:timers/promises";
import { OperationError } from "./error.ts";
import type { Context } from "./verb.ts";

export interface Wait<T> {
  /** What is waited for, as the object of "waited for". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  /** One look. `done` ends the wait; otherwise `seen` says what there was instead. */
  look(): Promise<{ done: true; value: T } | { done: false; seen: string }>;
  /** What to do when the limit is reached. */
  readonly next: string;
}

/** Looks until a look is done or the limit is reached; the error then says what was seen last. */
export async function waitFor<T>(
  wait: Wait<T>,
  { progress, signal }: Pick<Context, "progress" | "signal">,
): Promise<T> {
  const deadline = Date.now() + wait.timeoutMs;
  let last = "";
  for (;;) {
    const look = await wait.look();
    if (look.done) return look.value;
    if (look.seen !== last) progress.note(look.seen);
    last = look.seen;
    if (Date.now() + wait.intervalMs > deadline) {
      throw new OperationError("failed", {
        where: wait.what,
        what: `not seen within ${wait.timeoutMs / 1000} s; last seen: ${last}.`,
        next: wait.next,
      });
    }
    await delay(wait.intervalMs, undefined, { signal });
  }
}
