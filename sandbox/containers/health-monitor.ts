import { setTimeout as pause } from "node:timers/promises";
import {
  afterProbe,
  checkTiming,
  healthTest,
  unproven,
  untilNextProbe,
  type Health,
  type ProbeResult,
} from "./health.ts";
import type { Healthcheck } from "./record.ts";

/** Probes a running container until it is closed. */
export interface HealthMonitor {
  /** Null when the container has no health check. */
  current(): Health | null;
  close(): void;
}

/**
 * Starts to probe, first after one interval, as docker does. `run` makes one probe with the time limit given; `changed` is called when the status
 * changes, after `current()` shows it.
 */
export function monitorHealth(
  check: Healthcheck | null | undefined,
  startedAt: number,
  run: (timeoutMs: number, signal: AbortSignal) => Promise<ProbeResult>,
  changed: (status: Health["status"]) => void,
): HealthMonitor {
  if (check === null || check === undefined || healthTest(check) === null)
    return { current: () => null, close: () => undefined };
  const timing = checkTiming(check);
  const closed = new AbortController();
  let health = unproven;
  const watch = async () => {
    for (;;) {
      await pause(untilNextProbe(health.status, timing, Date.now() - startedAt), undefined, {
        signal: closed.signal,
        ref: false,
      });
      const result = await run(timing.timeoutMs, closed.signal);
      if (closed.signal.aborted) return;
      const before = health.status;
      health = afterProbe(health, result, timing, Date.parse(result.start) - startedAt);
      if (health.status !== before) changed(health.status);
    }
  };
  // It ends only by being closed, which shows as the pause's AbortError.
  void watch().catch((error: unknown) => {
    if (!closed.signal.aborted) throw error;
  });
  const close = () => {
    closed.abort();
    // For compatibility reasons, as moby says (container/health.go CloseMonitorChannel): what is not probed is not healthy. No event tells it.
    health = { ...health, status: "unhealthy" };
  };
  return { current: () => health, close };
}
