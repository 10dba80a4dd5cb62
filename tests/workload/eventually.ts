import { setTimeout as wait } from "node:timers/promises";

/** Tries until `probe` returns something else than undefined; what it throws is kept and told when the limit (ms) is over. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  limitMs = 20_000,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let last: unknown = "nothing yet";
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${limitMs / 1000} s; last seen: ${String(last)}`, { cause: last });
    }
    await wait(everyMs);
  }
}
