import type { Figure } from "./claim.ts";
import { assert } from "./claim.ts";
import { startLoadProcess } from "../load/load-process.ts";
import type { LoadOptions, LoadReport } from "../load/spec.ts";
import type { Stage } from "./stage.ts";

/** Requests a second at the backend, with keep-alive. The frontend gets a fifth of it: it renders pages. */
const requestsPerSecond = 50;

/** Runs `work` while users ask both applications, and reports what they saw together. */
export async function underLoad<T>(stage: Stage, work: () => Promise<T>): Promise<{ result: T; load: LoadReport }> {
  return underLoadOf(
    stage,
    [
      { url: stage.urls.backend, paths: ["/api/pages/home", "/version"], requestsPerSecond },
      { url: stage.urls.frontend, paths: ["/"], requestsPerSecond: requestsPerSecond / 5 },
    ],
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

function together(one: LoadReport, other: LoadReport): LoadReport {
  const sums = (a: Record<string, number>, b: Record<string, number>) => {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]));
  };
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
    failures: [...one.failures, ...other.failures],
    connectionsOpened: one.connectionsOpened + other.connectionsOpened,
    maxLagMs: Math.max(one.maxLagMs, other.maxLagMs),
  };
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
  assert(load.sent >= 500, `only ${load.sent} requests were sent`);
  assert.deepEqual(load.byReason, {}, JSON.stringify(load.failures.slice(0, 5)));
  assert.equal(load.failed, 0);
}
