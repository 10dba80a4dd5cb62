import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { CoolifyClient } from "../../operations/coolify/client.ts";
import { parseJson } from "../../operations/json.ts";

const Job = z.object({
  deployment_uuid: z.string(),
  status: z.string(),
  created_at: z.string(),
  finished_at: z.string().nullish(),
  logs: z.string().nullish(),
});
const Jobs = z.object({ deployments: z.array(Job) });
const Entries = z.array(z.object({ output: z.string().nullish(), timestamp: z.string() }));

/** One rolling update as Coolify's own log tells it; times in milliseconds since 1970. */
export interface Update {
  readonly id: string;
  readonly status: string;
  /** The new container was started. */
  readonly startedMs: number | null;
  /** It was healthy, and the old one was told to stop. */
  readonly healthyMs: number | null;
  readonly finishedMs: number | null;
}

/** The newest deployments of an application, newest first. */
export async function updatesOf(coolify: CoolifyClient, uuid: string): Promise<Update[]> {
  const { deployments } = await coolify.get(`/deployments/applications/${uuid}?take=5`, Jobs);
  return deployments.map(({ deployment_uuid: id, status, finished_at, logs }) => {
    const entries = Entries.safeParse(parseJson(logs ?? "[]")).data ?? [];
    const at = (output: string) => time(entries.find((entry) => entry.output === output)?.timestamp);
    return {
      ...{ id, status, startedMs: at("New container started."), healthyMs: at("Removing old containers.") },
      finishedMs: time(finished_at),
    };
  });
}

/** Without a gate a rolling update is over within a second. */
const lookEveryMs = 100;

/**
 * Returns when a rolling update of the application that was not there before has started its container: true while it is not at its end,
 * false when it was over before anybody saw it.
 */
export async function inTheMiddle(coolify: CoolifyClient, uuid: string, signal: AbortSignal): Promise<boolean> {
  const known = new Set((await updatesOf(coolify, uuid)).map(({ id }) => id));
  for (;;) {
    const [newest] = await updatesOf(coolify, uuid);
    if (newest !== undefined && !known.has(newest.id) && newest.startedMs !== null)
      return newest.status === "in_progress";
    await delay(lookEveryMs, undefined, { signal });
  }
}

/** How long, in seconds, at least one of the updates was starting a container or ending one. */
export function busySeconds(updates: readonly Update[]): number {
  const spans = updates
    .flatMap(({ startedMs, finishedMs }) =>
      startedMs === null || finishedMs === null ? [] : [[startedMs, finishedMs] as const],
    )
    .toSorted(([one], [other]) => one - other);
  let [busyMs, untilMs] = [0, 0];
  for (const [from, to] of spans) {
    busyMs += Math.max(0, to - Math.max(from, untilMs));
    untilMs = Math.max(untilMs, to);
  }
  return busyMs / 1000;
}

function time(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(/Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  return Number.isNaN(ms) ? null : ms;
}
