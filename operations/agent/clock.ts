import { setTimeout as delay } from "node:timers/promises";

/** What time it is, and how to wait. A test has one that it moves itself. */
export interface Clock {
  now(): Date;
  /** Resolves when so much time has passed, or at once when `signal` is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};
