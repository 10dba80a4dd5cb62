import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { OperationError } from "../error.ts";
import { runName } from "../database/lock.ts";
import type { Context } from "../verb.ts";
import { Blockers } from "./blockers.ts";
import { retriesOf, runPendingMigrations, type MigrationJob, type RunScript } from "./image-runner.ts";
import { MigrationFailure } from "./migration-failure.ts";

/**
 * Runs the pending migrations, again when somebody's lock was in the way: a lock is waited for only briefly, because everybody queues
 * behind the wait. Names the blockers. Only what was rolled back as a whole is tried again; of a migration outside a transaction the
 * runner tries the single statement again. `client` is on another database of the same server, and may see all activity.
 * Returns what TypeORM would still change to make the schema what the entities say.
 */
export async function applyMigrations(
  job: MigrationJob,
  { client, run, context }: { readonly client: pg.Client; readonly run: RunScript; readonly context: Context },
  mayRetry: (migration: string) => boolean,
): Promise<string[]> {
  const { codes, attempts, firstPauseMs } = retriesOf(job);
  for (let attempt = 1; ; attempt += 1) {
    const blockers = new Blockers(client, runName(job.runId));
    try {
      return await blockers.watch(() => runPendingMigrations(job, context, run, () => blockers.text), context);
    } catch (error) {
      if (!(error instanceof MigrationFailure) || !codes.includes(error.code ?? "")) throw named(error, blockers);
      const inTransaction = error.migration === null || mayRetry(error.migration);
      if (!inTransaction || attempt === attempts) throw givenUp(error, blockers, attempts);
      const pauseMs = firstPauseMs * 2 ** (attempt - 1);
      context.progress.note(`${error.text.what}${blockers.text} Trying again in ${pauseMs / 1000} s.`);
      await delay(pauseMs, undefined, { signal: context.signal });
    }
  }
}

function givenUp(error: MigrationFailure, blockers: Blockers, attempts: number): MigrationFailure {
  return new MigrationFailure({
    what: `${error.text.what.replace(/ \(SQLSTATE \w+\)$/, "")}${blockers.text} It was tried ${attempts} times.`,
    migration: error.migration,
    code: error.code,
    refused: false,
  });
}

/** A run that reached its limit or a statement that reached its own was perhaps only waiting. */
function named(error: unknown, blockers: Blockers): unknown {
  if (blockers.text === "" || !(error instanceof OperationError) || error.kind !== "failed") return error;
  if (error instanceof MigrationFailure && error.code !== "57014") return error;
  const { where, what, next } = error.text;
  return new OperationError("failed", { where, what: `${what}${blockers.text}`, next }, { cause: error });
}
