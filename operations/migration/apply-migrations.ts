import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Context } from "../verb.ts";
import { MigrationFailure, runPendingMigrations, type MigrationJob, type RunScript } from "./image-runner.ts";

// lock_not_available, deadlock_detected, serialization_failure: somebody else was in the way, and the transaction is rolled back.
const passing = ["55P03", "40P01", "40001"];
const attempts = 5;
const firstPauseMs = 500;
const lookIntervalMs = 250;

/**
 * Runs the pending migrations, again when somebody's lock was in the way: a lock is waited for only briefly, because everybody queues
 * behind the wait. Names the blockers. A migration outside a transaction is not tried again: part of it may be done.
 * `client` is on another database of the same server, and may see all activity.
 */
export async function applyMigrations(
  job: MigrationJob,
  { client, run, context }: { client: pg.Client; run: RunScript; context: Context },
  mayRetry: (migration: string) => boolean,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const blockers = new Blockers(client, `affexai-${job.runId}`);
    try {
      await blockers.watch(() => runPendingMigrations(job, context, run));
      return;
    } catch (error) {
      const retry =
        error instanceof MigrationFailure &&
        passing.includes(error.code ?? "") &&
        (error.migration === null || mayRetry(error.migration));
      const seen = blockers.seen.length === 0 ? "" : ` Blocked by ${blockers.seen.join("; ")}.`;
      if (!retry) throw error;
      if (attempt === attempts) {
        throw new MigrationFailure({
          what: `${error.text.what.replace(/ \(SQLSTATE \w+\)$/, "")}${seen} It was tried ${attempts} times.`,
          migration: error.migration,
          code: error.code,
          refused: false,
        });
      }
      const pauseMs = firstPauseMs * 2 ** (attempt - 1);
      context.progress.note(`${error.text.what}${seen} Trying again in ${pauseMs / 1000} s.`);
      await delay(pauseMs, undefined, { signal: context.signal });
    }
  }
}

/** Looks, while something runs, who holds the locks that a connection of that name waits for. */
class Blockers {
  readonly #client: pg.Client;
  readonly #applicationName: string;
  /** Printable, those seen last. */
  seen: readonly string[] = [];

  constructor(client: pg.Client, applicationName: string) {
    this.#client = client;
    this.#applicationName = applicationName;
  }

  async watch<T>(work: () => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const watching = this.#watch(stop.signal);
    try {
      return await work();
    } finally {
      stop.abort();
      await watching;
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { rows } = await this.#client.query<{
        user: string;
        name: string;
        pid: number;
        state: string;
        seconds: number;
      }>(
        `SELECT b.usename AS "user", b.application_name AS name, b.pid, COALESCE(b.state, 'unknown') AS state,
                COALESCE(extract(epoch FROM clock_timestamp() - b.xact_start), 0)::int AS seconds
           FROM pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) blocker(pid) JOIN pg_stat_activity b ON b.pid = blocker.pid
          WHERE a.application_name = $1 AND a.wait_event_type = 'Lock'`,
        [this.#applicationName],
      );
      if (rows.length > 0) {
        this.seen = rows.map(
          ({ user, name, pid, state, seconds }) =>
            `${user} (${name || "no name"}, pid ${pid}), ${state} for ${seconds} s`,
        );
      }
      await delay(lookIntervalMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
