const hourMs = 3_600_000;

/** The primary rate limit: requests of an hour, counted from the first (REST API, "Rate limits for the REST API"). */
export class RateLimit {
  readonly #limit: number;
  #used = 0;
  #resetAt = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a request, unless it only asks for the limit. False when it is one too many. */
  take(now: number): boolean {
    this.#renew(now);
    if (this.#used >= this.#limit) return false;
    this.#used++;
    return true;
  }

  /** What `/rate_limit` says. */
  status(now: number) {
    this.#renew(now);
    return {
      limit: this.#limit,
      used: this.#used,
      remaining: this.#limit - this.#used,
      reset: Math.ceil(this.#resetAt / 1000),
    };
  }

  #renew(now: number): void {
    if (now < this.#resetAt) return;
    this.#used = 0;
    this.#resetAt = now + hourMs;
  }
}
