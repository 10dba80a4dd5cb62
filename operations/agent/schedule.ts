import { Cron } from "croner";
import type { Cadence } from "./settings.ts";

/** What happens at set times. `expire`: databases that a restore replaced are dropped when their time is over. */
export type Occasion = Cadence | "drill" | "prune" | "expire";

/** Minute, hour, day, month, weekday, in the agent's time zone. Apart from one another, so that they seldom queue. */
const patterns: Readonly<Record<Occasion, string>> = {
  hourly: "0 * * * *",
  daily: "0 2 * * *",
  weekly: "0 3 * * 0",
  monthly: "0 4 1 * *",
  drill: "30 4 * * 0",
  prune: "0 5 * * *",
  expire: "30 5 * * *",
};

/** The last time that an occasion came, this moment included. A time that a clock change skips comes right after the gap. */
export function lastOccasion(occasion: Occasion, now: Date, timeZone: string): Date {
  // croner looks before the reference, which is to be included.
  const [last] = cron(occasion, timeZone).previousRuns(1, new Date(now.getTime() + 1));
  if (last === undefined) throw new Error(`${patterns[occasion]} has never come`);
  return last;
}

/** The next time, this moment excluded. */
export function nextOccasion(occasion: Occasion, now: Date, timeZone: string): Date {
  const next = cron(occasion, timeZone).nextRun(now);
  if (next === null) throw new Error(`${patterns[occasion]} never comes`);
  return next;
}

function cron(occasion: Occasion, timezone: string): Cron {
  return new Cron(patterns[occasion], { timezone, paused: true });
}

/** A backup as the schedule sees it. `startedAt` is by the clock of whoever took it, which is also the clock that decides. */
export interface TakenBackup {
  readonly reason: string;
  readonly startedAt: string;
}

/** Those kept longest first, so that what matters most is there when time runs out. */
const byImportance: readonly Cadence[] = ["monthly", "weekly", "daily", "hourly"];

/**
 * The backups that are due: those of the cadence that nobody has taken since their last time came. However many times were missed, it
 * is one backup; and since the bucket alone decides, a restart repeats nothing.
 */
export function dueBackups(
  cadence: readonly Cadence[],
  taken: readonly TakenBackup[],
  now: Date,
  timeZone: string,
): Cadence[] {
  return byImportance.filter((reason) => {
    if (!cadence.includes(reason)) return false;
    const since = lastOccasion(reason, now, timeZone).getTime();
    return !taken.some((backup) => backup.reason === reason && Date.parse(backup.startedAt) >= since);
  });
}
