import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import {
  foreignUse,
  line,
  nextSlot,
  promptSlot,
  readBudget,
  usable,
  usualLimit,
  windowMs,
  type Budget,
} from "./rate-budget.ts";
import type { SharedLog } from "./shared-log.ts";

type Watch = Pick<Context, "progress" | "signal">;

/** Longest wait in ms for one request's turn. */
const turnLimitMs = 180_000;
/** A wait of this many ms is told. */
const toldMs = 2000;
/** How long the first request may be on its way, in ms, before others go as well: its answer tells what the limit is. */
const firstAnswerMs = 3000;
/** How often a log is looked at again while somebody else's answer is waited for, in ms. */
const lookMs = 50;
/** Refusals in a minute after which nobody asks any more: after 30 Coolify locks the token out (docs, api/rate-limits). */
const refusalsLimit = 10;

/** Gives each request its turn within the limit that all processes with one token share, and stops those whose token is refused. */
export class Throttle {
  readonly #log: SharedLog;
  readonly #window: number;
  readonly #begunAt: number;
  /** Whether a request that cannot go now is given up. */
  readonly prompt: boolean;

  /**
   * `begunAt`: when the run began, in ms since the epoch; it is stopped by what is refused to others from then on.
   * `prompt`: its requests go at once or not at all.
   */
  constructor(log: SharedLog, { window = windowMs, begunAt = Date.now(), prompt = false } = {}) {
    this.#log = log;
    this.#window = window;
    this.#begunAt = begunAt;
    this.prompt = prompt;
  }

  /**
   * Waits for the turn of one request that needs `ability`. Throws (failed) when that is too far away, and (refused) when another
   * process was refused meanwhile, or too many were.
   */
  async turn(ability: string, { progress, signal }: Watch): Promise<void> {
    const before = await this.#afterFirstAnswer(ability, signal);
    const now = Date.now();
    const id = randomBytes(6).toString("hex");
    const waitMs = (this.prompt ? promptSlot : nextSlot)(before, now, this.#window) - now;
    if (waitMs > (this.prompt ? 0 : turnLimitMs)) throw this.#tooBusy(before, waitMs);
    // Those who wait their turn are not asked for it. A few of these at the same moment fit into what stays free.
    if (this.prompt) return this.#log.append(line.slot(now, id, now));
    await this.#log.append(line.ask(Date.now(), id));
    let budget = await this.#read();
    const slot = budget.slotOf.get(id) ?? Date.now();
    await this.#log.append(line.slot(Date.now(), id, slot));
    for (let until = slot; until > Date.now(); until = Math.max(slot, budget.pausedUntil)) {
      const left = until - Date.now();
      if (left > toldMs) {
        progress.note(`${Math.ceil(left / 1000)} s until the next request: ${spent(budget)}`);
      }
      await delay(left, undefined, { signal });
      budget = await this.#read();
      this.#refuseTheRefused(budget, ability);
    }
  }

  /** Notes what an answer's headers say. Without them the usual limit counts. */
  async answered(headers: Headers): Promise<void> {
    const number = (name: string) => {
      const text = headers.get(name);
      return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
    };
    const [limit, remaining] = [number("x-ratelimit-limit"), number("x-ratelimit-remaining")];
    const budget = await this.#read();
    const told = limit ?? budget.limit ?? usualLimit;
    if (budget.limit !== told) await this.#log.append(line.limit(Date.now(), told));
    if (limit === undefined || remaining === undefined) return;
    const foreign = foreignUse(budget, Date.now(), limit - remaining, this.#window);
    if (foreign > 0) await this.#log.append(line.used(Date.now(), foreign));
  }

  /** Keeps everybody still until the server allows requests again. */
  async paused(seconds: number): Promise<void> {
    await this.#log.append(line.pause(Date.now(), Math.ceil(Date.now() + seconds * 1000)));
  }

  /** Tells the others that the token was refused, in all that it asks or in one ability. */
  async refused(scope: string, status: number): Promise<void> {
    await this.#log.append(line.refused(Date.now(), scope, status));
  }

  /** What another process has learnt of the server's version in the last minutes. */
  async knownVersion(): Promise<string | null> {
    return (await this.#read()).version;
  }

  async learntVersion(text: string): Promise<void> {
    if (/^\S+$/.test(text)) await this.#log.append(line.version(Date.now(), text));
  }

  async #afterFirstAnswer(ability: string, signal: AbortSignal): Promise<Budget> {
    const deadline = Date.now() + 2 * firstAnswerMs;
    for (;;) {
      const budget = await this.#read();
      this.#refuseTheRefused(budget, ability);
      const now = Date.now();
      if (budget.limit !== null || now - budget.lastAskAt > firstAnswerMs || now > deadline) return budget;
      await delay(lookMs, undefined, { signal });
    }
  }

  /** A process that began later asks for itself: it may be a new run, with another token's abilities or the API turned on. */
  #refuseTheRefused({ refused }: Budget, ability: string): void {
    const recent = refused.filter(
      ({ at, scope }) => Date.now() - at < 60_000 && (scope === "all" || scope === ability),
    );
    const last =
      recent.findLast(({ at }) => at >= this.#begunAt) ?? (recent.length >= refusalsLimit ? recent.at(-1) : undefined);
    if (last === undefined) return;
    const seconds = Math.ceil((Date.now() - last.at) / 1000);
    throw new OperationError("refused", {
      where: "Coolify",
      what: `is not asked any more: ${seconds} s ago it answered ${last.status} to another run with this token${last.scope === "all" ? "" : ` that needed the ability ${last.scope}`}.`,
      next: "See what that run says, mend it, and run again; 30 refusals in a minute would lock the token out.",
    });
  }

  #tooBusy(budget: Budget, waitMs: number): OperationError {
    return new OperationError("failed", {
      where: "Coolify",
      what: `the next request would have to wait ${Math.ceil(waitMs / 1000)} s: ${spent(budget)}.`,
      next: this.prompt
        ? "Ask again after that, or raise API_RATE_LIMIT on the server."
        : "Run less at the same time (`pulumi up --parallel`), or raise API_RATE_LIMIT on the server.",
    });
  }

  async #read(): Promise<Budget> {
    return readBudget(await this.#log.read(), this.#window);
  }
}

function spent({ limit, pausedUntil }: Budget): string {
  if (pausedUntil > Date.now()) return `Coolify asks everybody to wait (rate limit)`;
  return `runs with this token share ${usable(limit)} of the ${limit ?? "unknown"} requests a minute that Coolify allows`;
}
