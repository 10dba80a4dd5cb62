/** What the limiter says about one more request. */
export interface Allowance {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Whole seconds until the window ends. */
  retryAfterSeconds: number;
  /** The window's end, in seconds since 1970. */
  resetAt: number;
}

/** Laravel's fixed window: it opens with a key's first hit and lasts a minute, unless told otherwise. */
export class RateLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, { endsAt: number; hits: number }>();

  /** `now` gives milliseconds since 1970. */
  constructor(limit: number, { windowMs = 60_000, now = Date.now }: { windowMs?: number; now?: () => number } = {}) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** Counts a request, unless it is refused. */
  take(key: string): Allowance {
    const allowance = this.look(key);
    if (!allowance.allowed) return allowance;
    this.hit(key);
    return { ...allowance, remaining: allowance.remaining - 1 };
  }

  /** Counts without asking. */
  hit(key: string): void {
    this.#window(key).hits += 1;
  }

  /** Asks without counting. */
  look(key: string): Allowance {
    const { endsAt, hits } = this.#window(key);
    return {
      allowed: hits < this.#limit,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - hits),
      retryAfterSeconds: Math.ceil((endsAt - this.#now()) / 1000),
      resetAt: Math.ceil(endsAt / 1000),
    };
  }

  #window(key: string): { endsAt: number; hits: number } {
    const known = this.#windows.get(key);
    if (known !== undefined && known.endsAt > this.#now()) return known;
    const fresh = { endsAt: this.#now() + this.#windowMs, hits: 0 };
    this.#windows.set(key, fresh);
    return fresh;
  }
}

/** The headers of a counted answer. */
export function limitHeaders(allowance: Allowance): Record<string, string> {
  return {
    "X-RateLimit-Limit": `${allowance.limit}`,
    "X-RateLimit-Remaining": `${allowance.remaining}`,
    ...(allowance.allowed
      ? {}
      : { "Retry-After": `${allowance.retryAfterSeconds}`, "X-RateLimit-Reset": `${allowance.resetAt}` }),
  };
}
