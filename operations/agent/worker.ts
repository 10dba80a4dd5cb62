import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { Clock } from "./clock.ts";
import type { Job, Knowledge, Lane, PutOff } from "./jobs.ts";
import type { Log } from "./log.ts";
import type { AgentMetrics } from "./metrics.ts";
import type { Pager } from "./pager.ts";
import { withIdentity } from "./settings.ts";

/** How often a worker looks for what is due. */
export const lookEveryMs = 15_000;
/** After a failure a job rests, twice as long each time. */
const firstRestMs = 60_000;
const longestRestMs = 3_600_000;

export interface Workshop {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: AgentMetrics;
  readonly page: Pager;
  readonly knowledge: Knowledge;
  /** Throws when it is no longer this agent's turn. */
  held(this: void): Promise<void>;
}

/** Does what is due in a lane, one job after another, until `context.signal` is aborted. A job that fails is tried again later; people are told once. */
export async function workLane(lane: Lane, context: Context, workshop: Workshop): Promise<void> {
  const { clock, held } = workshop;
  const begun = new Map<string, Date>();
  const failures = new Map<string, { count: number; until: number }>();
  while (!context.signal.aborted) {
    const now = clock.now();
    const resting = ({ name }: Job) => now.getTime() < (failures.get(name)?.until ?? 0);
    const job = lane.find((one) => !resting(one) && one.isDue(now, begun.get(one.name)));
    if (job === undefined) {
      await clock.wait(lookEveryMs, context.signal);
      continue;
    }
    await held();
    begun.set(job.name, now);
    const failed = await doJob(job, now, context, workshop);
    if (failed === null) failures.delete(job.name);
    else if (failed === "put off") {
      const { count = 0 } = failures.get(job.name) ?? {};
      failures.set(job.name, { count, until: clock.now().getTime() + lookEveryMs });
    } else if (!context.signal.aborted) {
      const count = (failures.get(job.name)?.count ?? 0) + 1;
      const restMs = Math.min(firstRestMs * 2 ** (count - 1), longestRestMs);
      failures.set(job.name, { count, until: clock.now().getTime() + restMs });
      if (count === 1)
        await workshop.page({ job: job.name, summary: `${job.name} failed: ${failed.what}`, next: failed.next });
      else workshop.log.error(`${job.name} failed again: ${failed.what}`, { job: job.name, times: count });
    }
  }
}

/** Null when it succeeded; otherwise why it did not, and what to do. */
async function doJob(
  job: Job,
  now: Date,
  context: Context,
  { clock, log, metrics, knowledge }: Workshop,
): Promise<{ what: string; next: string } | PutOff | null> {
  const started = performance.now();
  try {
    const progress = log.progress(job.name);
    const outcome = await job.run({ ...context, env: withIdentity(context.env, job.identity), progress }, now);
    if (outcome === "put off") return outcome;
    knowledge.succeeded.set(job.name, now);
    metrics.succeeded(job.name, clock.now(), (performance.now() - started) / 1000);
    return null;
  } catch (error) {
    // What was cancelled has not failed.
    if (context.signal.aborted) return { what: "cancelled", next: "" };
    metrics.failed(job.name);
    if (error instanceof OperationError) {
      const { where, what, next } = error.text;
      return { what: `${where}: ${what}`, next };
    }
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error), { job: job.name });
    return {
      what: error instanceof Error ? error.message : String(error),
      next: "This is a bug in affexai: report it with the lines above.",
    };
  }
}
