import { LockHeld } from "../database/lock.ts";
import type { Context } from "../verb.ts";
import type { BucketContent, DatabaseState } from "./inspection.ts";
import type { Pager } from "./pager.ts";
import { dueBackups, lastOccasion, nextOccasion, type Occasion } from "./schedule.ts";
import { withIdentity, type AgentSettings, type Cadence, type StorageIdentity } from "./settings.ts";

/** What the agent can do. Each is given a context of its own, with the access that it needs. */
export interface Work {
  inspectBucket(context: Context): Promise<BucketContent>;
  inspectDatabase(context: Context): Promise<DatabaseState>;
  backUp(reason: Cadence, context: Context): Promise<void>;
  drill(context: Context): Promise<void>;
  prune(context: Context): Promise<void>;
  /** Drops databases that a restore replaced and kept, once their time is over. */
  dropExpired(context: Context): Promise<void>;
  /** Ends dead runs and overdue freezes. Returns what it found, a sentence each. */
  resume(context: Context): Promise<readonly string[]>;
}

/** What the agent knows; read by the metrics and by its health. */
export interface Knowledge {
  bucket: { readonly content: BucketContent; readonly at: Date } | null;
  database: { readonly state: DatabaseState; readonly at: Date } | null;
  /** When jobs that leave no record last succeeded, since this agent started. */
  readonly succeeded: Map<string, Date>;
}

export interface Job {
  readonly name: string;
  readonly identity: StorageIdentity;
  /** Absent for a job that is due every so often, whatever the hour. */
  readonly occasion?: Occasion;
  /** `begun`: when it last began, since this agent started. */
  isDue(now: Date, begun: Date | undefined): boolean;
  /** `now`: the moment at which it was due. */
  run(context: Context, now: Date): Promise<void | PutOff>;
}

/** Somebody else is at work on what the job needs: it is neither done nor failed, and tried again soon. */
export type PutOff = "put off";

/** Jobs that one worker does, the first due one first. A long backup must not keep a frozen application waiting: that is another lane. */
export type Lane = readonly Job[];

/** How old what the agent knows of the bucket may be when nothing is due, milliseconds. */
const bucketAgeMs = 300_000;
const resumeEveryMs = 60_000;

export function lanesOf(settings: AgentSettings, knowledge: Knowledge, work: Work, page: Pager): readonly Lane[] {
  const { cadence, timeZone } = settings;
  const lastTime = (occasion: Occasion, now: Date) => lastOccasion(occasion, now, timeZone).getTime();
  const older = (at: Date | undefined, now: Date, ms: number) => at === undefined || now.getTime() - at.getTime() >= ms;
  const inspect = async (context: Context, now: Date) => {
    const content = await work.inspectBucket({ ...context, env: withIdentity(context.env, "reader") });
    knowledge.bucket = { content, at: now };
    return content;
  };
  const isDue = (reason: Cadence, content: BucketContent, now: Date) =>
    dueBackups(cadence, content.backups, now, timeZone).includes(reason);
  const inspection: Job = {
    name: "inspect",
    identity: "reader",
    isDue: (now) => older(knowledge.bucket?.at, now, bucketAgeMs),
    run: async (context, now) => void (await inspect(context, now)),
  };
  const backup = (reason: Cadence): Job => ({
    name: `backup-${reason}`,
    identity: "writer",
    occasion: reason,
    isDue: (now) => knowledge.bucket !== null && isDue(reason, knowledge.bucket.content, now),
    async run(context, now) {
      // Somebody else may have taken it since the bucket was last read.
      if (!isDue(reason, await inspect(context, now), now)) return;
      try {
        await work.backUp(reason, context);
      } catch (error) {
        if (!(error instanceof LockHeld)) throw error;
        context.progress.note(`put off: ${error.message}`);
        return "put off";
      }
      await inspect(context, now);
    },
  });
  /** Done once a period, and again after a restart: it changes nothing then. */
  const unrecorded = (name: string, occasion: Occasion, identity: StorageIdentity, run: Job["run"]): Job => ({
    ...{ name, identity, occasion, run },
    isDue: (now) => (knowledge.succeeded.get(name)?.getTime() ?? 0) < lastTime(occasion, now),
  });
  const drill: Job = {
    name: "drill",
    identity: "reader",
    occasion: "drill",
    isDue(now) {
      const { backups = [], drills = [] } = knowledge.bucket?.content ?? {};
      const since = lastTime("drill", now);
      return backups.length > 0 && !drills.some(({ drilledAt }) => Date.parse(drilledAt) >= since);
    },
    async run(context, now) {
      await work.drill(context);
      await inspect(context, now);
    },
  };
  const resume: Job = {
    name: "resume",
    identity: "writer",
    isDue: (now, begun) => older(begun, now, resumeEveryMs),
    async run(context, now) {
      const look = async () => {
        const state = await work.inspectDatabase(context);
        knowledge.database = { state, at: now };
        return state;
      };
      const { freezes, openRuns } = await look();
      // Taking the lock for nothing could be in the way of a release that begins at this moment.
      if (freezes.length === 0 && openRuns.length === 0) return;
      for (const found of await work.resume(context)) {
        await page({
          job: "resume",
          summary: found,
          next: "Look at `affexai migration status`; the next release waits for you.",
        });
      }
      await look();
    },
  };
  return [
    [
      inspection,
      ...(["monthly", "weekly", "daily", "hourly"] as const).filter((reason) => cadence.includes(reason)).map(backup),
      drill,
      unrecorded("prune", "prune", "pruner", (context) => work.prune(context)),
      unrecorded("expire", "expire", "writer", (context) => work.dropExpired(context)),
    ],
    [resume],
  ];
}

/** The next time of every job that has set times. */
export function nextRuns(lanes: readonly Lane[], now: Date, timeZone: string): Map<string, Date> {
  return new Map(
    lanes
      .flat()
      .flatMap(({ name, occasion }) =>
        occasion === undefined ? [] : [[name, nextOccasion(occasion, now, timeZone)] as const],
      ),
  );
}
