import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Context } from "../verb.ts";

const lookIntervalMs = 250;
const sayAfterMs = 5_000;

/** A session that is in somebody's way: `affexai_app (worker, pid 4711), idle in transaction, its transaction is 40 s old: SELECT …`. */
export interface Session {
  readonly user: string;
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  /** Seconds since its transaction began; null when it has none. */
  readonly seconds: number | null;
  readonly query: string;
}

/** Columns of a Session, of `pg_stat_activity AS b`. */
export const sessionColumns = `b.usename AS "user", b.application_name AS name, b.pid, COALESCE(b.state, 'unknown') AS state,
  extract(epoch FROM clock_timestamp() - b.xact_start)::int AS seconds, COALESCE(b.query, '') AS query`;

export function describeSession({ user, name, pid, state, seconds, query }: Session): string {
  const age = seconds === null ? "" : `, its transaction is ${seconds} s old`;
  const text = query.replace(/\s+/g, " ").trim();
  // Values belong to the application's users; a statement's beginning says enough.
  const beginning = text.replace(/'(?:[^']|'')*'/g, "'…'").slice(0, 80);
  return `${user} (${name === "" ? "no name" : name}, pid ${pid}), ${state}${age}${beginning === "" ? "" : `: ${beginning}`}`;
}

/** Looks, while something runs, who holds the locks that a connection of that name waits for. */
export class Blockers {
  readonly #client: pg.Client;
  readonly #applicationName: string;
  #seen: readonly string[] = [];

  /** `client` is on any database of the server, and may see all activity. */
  constructor(client: pg.Client, applicationName: string) {
    this.#client = client;
    this.#applicationName = applicationName;
  }

  /** ` Blocked by …` with those seen last, or nothing. */
  get text(): string {
    return this.#seen.length === 0 ? "" : ` Blocked by ${this.#seen.join("; ")}.`;
  }

  /** Looks while `work` runs. A wait of more than some seconds is noted as it happens. */
  async watch<T>(work: () => Promise<T>, { progress }: Pick<Context, "progress">): Promise<T> {
    const stop = new AbortController();
    const watching = this.#watch(stop.signal, progress);
    try {
      return await work();
    } finally {
      stop.abort();
      await watching;
    }
  }

  async #watch(signal: AbortSignal, progress: Context["progress"]): Promise<void> {
    let since: number | null = null;
    while (!signal.aborted) {
      const sessions = await this.#look().catch(() => null);
      // A connection that is lost is for the work to tell, which nobody waits for yet: a rejection here would end the process.
      if (sessions === null) return;
      if (sessions.length > 0) this.#seen = sessions.map(describeSession);
      since = sessions.length === 0 ? null : (since ?? Date.now());
      if (since !== null && Date.now() - since > sayAfterMs) {
        progress.note(`waits for a lock.${this.text}`);
        since = Infinity;
      }
      await delay(lookIntervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<Session[]> {
    const { rows } = await this.#client.query<Session>(
      `SELECT DISTINCT ${sessionColumns}
         FROM pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) blocker(pid) JOIN pg_stat_activity b ON b.pid = blocker.pid
        WHERE a.application_name = $1 AND a.wait_event_type = 'Lock'`,
      [this.#applicationName],
    );
    return rows;
  }
}
