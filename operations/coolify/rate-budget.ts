/**
 * The shared limit of Coolify's API, kept by everybody who asks: a log that processes append to, and this pure reading of it.
 *
 * Each request first writes `ask`. The order of lines in the log gives every request its time, the same one for every reader, so
 * nobody holds a lock: a process that dies leaves a request that was never sent, and nothing else. Its time is then written down as
 * `slot`, because readers forget what is old, and would compute another one.
 */

/** How long a request counts. Coolify's window lasts 60 s from its first hit (379abb2, RouteServiceProvider.php); the second is for the way there. */
export const windowMs = 61_000;

/** Coolify's own limit a minute, until an answer tells another (config/api.php, API_RATE_LIMIT). */
export const usualLimit = 200;

export interface Refused {
  readonly at: number;
  /** `all`, or the ability that is missing. */
  readonly scope: string;
  readonly status: number;
}

/** What a log says. Times are in ms since 1970. */
export interface Budget {
  /** When each request may go, oldest first; what others than these processes have spent is among them. */
  readonly slots: readonly number[];
  /** By the id of its line. */
  readonly slotOf: ReadonlyMap<string, number>;
  /** Requests a minute that the server allows; null until it has answered. */
  readonly limit: number | null;
  /** Nothing is sent until then, because the server said so. */
  readonly pausedUntil: number;
  readonly lastAskAt: number;
  readonly refused: readonly Refused[];
  readonly version: string | null;
}

export const line = {
  ask: (at: number, id: string) => `ask ${at} ${id}`,
  slot: (at: number, id: string, slot: number) => `slot ${at} ${slot} ${id}`,
  limit: (at: number, requests: number) => `limit ${at} ${requests}`,
  used: (at: number, requests: number) => `used ${at} ${requests}`,
  pause: (at: number, until: number) => `pause ${at} ${until}`,
  refused: (at: number, scope: string, status: number) => `refused ${at} ${scope} ${status}`,
  version: (at: number, text: string) => `version ${at} ${text}`,
};

/** Reads a log. What is no line of a log, such as half of one, is passed over. */
export function readBudget(log: string, window = windowMs): Budget {
  const written = new Map(
    [...log.matchAll(/^slot \d+ (\d{1,16}) (\S+)$/gm)].map(([, slot, id = ""]) => [id, Number(slot)]),
  );
  const slots: number[] = [];
  const slotOf = new Map<string, number>();
  const refused: Refused[] = [];
  let limit: number | null = null;
  let pausedUntil = 0;
  let lastAskAt = 0;
  let version: string | null = null;
  for (const text of log.split("\n")) {
    const [, kind, time, word = "", more = ""] = /^(\w+) (\d{1,16}) (\S+)(?: (\S+))?$/.exec(text) ?? [];
    if (kind === undefined) continue;
    const [at, value] = [Number(time), Number(word)];
    if (kind === "version") version = word;
    else if (kind === "refused") refused.push({ at, scope: word, status: Number(more) });
    else if (kind === "ask") {
      lastAskAt = at;
      const slot = written.get(word) ?? nextSlot({ slots, limit, pausedUntil }, at, window);
      insert(slots, slot);
      slotOf.set(word, slot);
    } else if (!Number.isSafeInteger(value) || value < 0) continue;
    else if (kind === "slot" && !slotOf.has(more)) insert(slots, value);
    else if (kind === "limit") limit = Math.max(1, value);
    else if (kind === "pause") pausedUntil = Math.max(pausedUntil, value);
    else if (kind === "used") insert(slots, at, Math.min(value, 10_000));
  }
  return { slots, slotOf, limit, pausedUntil, lastAskAt, refused, version };
}

/**
 * The earliest time for one more request. A quarter of the budget may be spent at once; from there on requests follow each other at the
 * limit's own pace, so that a burst makes everybody slower instead of making everybody stand still until the window is over.
 */
export function nextSlot(
  { slots, limit, pausedUntil }: Pick<Budget, "slots" | "limit" | "pausedUntil">,
  now: number,
  window = windowMs,
): number {
  const allowed = usable(limit);
  const last = slots.at(-1) ?? 0;
  const full = slots.at(-allowed);
  const earliest = Math.max(now, last, pausedUntil, full === undefined ? 0 : full + window);
  const burst = Math.max(1, Math.floor(allowed / 4));
  if (countSince(slots, earliest - window) < burst) return earliest;
  return Math.max(earliest, last + Math.ceil(window / allowed));
}

/**
 * The earliest time for a request that rather is not made than waits: it keeps the limit, and no pace. For the few reads of a preview,
 * which a burst of somebody else must not make slow.
 */
export function promptSlot(
  { slots, limit, pausedUntil }: Pick<Budget, "slots" | "limit" | "pausedUntil">,
  now: number,
  window = windowMs,
): number {
  const full = slots.at(-usable(limit));
  return Math.max(now, pausedUntil, full === undefined ? 0 : full + window);
}

/** What the server has counted and these processes did not ask for: other machines, other people, a log that was lost. */
export function foreignUse(budget: Budget, now: number, counted: number, window = windowMs): number {
  return Math.max(0, counted - countSince(budget.slots, now - window));
}

/** A tenth stays free, for people who use the API meanwhile and for requests that overtake each other on their way. */
export function usable(limit: number | null): number {
  const allowed = limit ?? usualLimit;
  return Math.max(1, allowed - Math.ceil(allowed / 10));
}

/** Slots later than `time`, or at it. */
function countSince(slots: readonly number[], time: number): number {
  let count = 0;
  while (count < slots.length && (slots[slots.length - 1 - count] ?? 0) > time) count += 1;
  return count;
}

function insert(slots: number[], at: number, times = 1): void {
  let place = slots.length;
  while (place > 0 && (slots[place - 1] ?? 0) > at) place -= 1;
  slots.splice(place, 0, ...Array.from({ length: times }, () => at));
}
