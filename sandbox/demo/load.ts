import type { Figure } from "./claim.ts";
import { assert } from "./claim.ts";
import { startLoadProcess } from "../load/load-process.ts";
import type { LoadOptions, LoadReport, TimelineBucket } from "../load/spec.ts";
import type { Stage } from "./stage.ts";

/** To both applications together, with keep-alive. The frontend, which renders pages, gets a tenth of them. */
const requestsPerSecond = 200;
const ofFrontend = requestsPerSecond / 10;
/** When requests were sent later than this, what was measured is this machine. */
const mostLagMs = 1000;

/** What users ask of a backend. */
export function backendUsers(url: string): LoadOptions {
  return { url, paths: ["/api/pages/home", "/version"], requestsPerSecond: requestsPerSecond - ofFrontend };
}

/** Runs `work` while users ask both applications, and reports what they saw together. */
export async function underLoad<T>(stage: Stage, work: () => Promise<T>): Promise<{ result: T; load: LoadReport }> {
  return underLoadOf(
    stage,
    [backendUsers(stage.urls.backend), { url: stage.urls.frontend, paths: ["/"], requestsPerSecond: ofFrontend }],
    work,
  );
}

/** The same with other addresses. Each load is a process of its own. */
export async function underLoadOf<T>(
  { signal }: Pick<Stage, "signal">,
  targets: readonly LoadOptions[],
  work: () => Promise<T>,
): Promise<{ result: T; load: LoadReport }> {
  const loads = await Promise.all(targets.map((target) => startLoadProcess(target)));
  try {
    const result = await work();
    signal.throwIfAborted();
    const reports = await Promise.all(loads.map((load) => load.stop()));
    return { result, load: reports.reduce(together) };
  } catch (error) {
    await Promise.allSettled(loads.map((load) => load.stop()));
    throw error;
  }
}

/** The loads began at the same time. */
function together(one: LoadReport, other: LoadReport): LoadReport {
  return {
    ...one,
    durationMs: Math.max(one.durationMs, other.durationMs),
    sent: one.sent + other.sent,
    failed: one.failed + other.failed,
    byReason: sums(one.byReason, other.byReason),
    byStatus: sums(one.byStatus, other.byStatus),
    byRelease: sums(one.byRelease, other.byRelease),
    notFound: one.notFound + other.notFound,
    longestGapMs: Math.max(one.longestGapMs, other.longestGapMs),
    timeline: one.timeline.length < other.timeline.length ? addTo(other, one) : addTo(one, other),
    failures: [...one.failures, ...other.failures],
    connectionsOpened: one.connectionsOpened + other.connectionsOpened,
    maxLagMs: Math.max(one.maxLagMs, other.maxLagMs),
  };
}

function addTo(longer: LoadReport, shorter: LoadReport): TimelineBucket[] {
  return longer.timeline.map(({ answered, failed }, index) => {
    const added = shorter.timeline[index];
    if (added === undefined) return { answered, failed };
    return { answered: sums(answered, added.answered), failed: failed + added.failed };
  });
}

function sums(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(keys.map((key) => [key, (one[key] ?? 0) + (other[key] ?? 0)]));
}

/** The figures of a load that the table shows. */
export function loadFigures(
  load: LoadReport,
): Record<"sent" | "failed" | "requestsPerSecond" | "longestGapMs" | "reasons", Figure> {
  return {
    sent: load.sent,
    failed: load.failed,
    requestsPerSecond: Math.round((load.sent / load.durationMs) * 1000),
    longestGapMs: Math.round(load.longestGapMs),
    reasons: Object.entries(load.byReason)
      .map(([reason, count]) => `${count} x ${reason}`)
      .join(", "),
  };
}

/** Every request was answered, and there were enough of them to mean something. */
export function noneLost(load: LoadReport): void {
  assert(load.sent >= 2000, `only ${load.sent} requests were sent`);
  assert(load.maxLagMs <= mostLagMs, `requests were sent up to ${load.maxLagMs} ms late: this machine was too busy`);
  assert.deepEqual(load.byReason, {}, JSON.stringify(load.failures.slice(0, 5)));
  assert.equal(load.failed, 0);
}
