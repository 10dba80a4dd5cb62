import type { Healthcheck } from "./record.ts";

export type HealthStatus = "starting" | "healthy" | "unhealthy";

/** One run of a health check. 0 is healthy; -1 stands for a check that could not be run or took too long. */
export interface ProbeResult {
  readonly exitCode: number;
  readonly output: string;
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
}

export interface Health {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** The last five results. */
  readonly log: readonly ProbeResult[];
}

/** A check with Docker's defaults filled in; milliseconds. */
export interface CheckTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
}

/** What docker calls a container that was just started, restarted, or found again by a new engine (moby, daemon/health.go initHealthMonitor). */
export const unproven: Health = { status: "starting", failingStreak: 0, log: [] };

/** The command of a check, or null when there is none to run (absent, empty, `NONE`). */
export function healthTest(check: Healthcheck | null | undefined): readonly ["CMD" | "CMD-SHELL", ...string[]] | null {
  const [kind, ...command] = check?.Test ?? [];
  return kind === "CMD" || kind === "CMD-SHELL" ? [kind, ...command] : null;
}

export function checkTiming(check: Healthcheck): CheckTiming {
  const milliseconds = (nanoseconds: number | undefined, otherwise: number) =>
    nanoseconds === undefined || nanoseconds === 0 ? otherwise : nanoseconds / 1e6;
  return {
    intervalMs: milliseconds(check.Interval, 30_000),
    timeoutMs: milliseconds(check.Timeout, 30_000),
    retries: check.Retries === undefined || check.Retries <= 0 ? 3 : check.Retries,
    startPeriodMs: milliseconds(check.StartPeriod, 0),
    startIntervalMs: milliseconds(check.StartInterval, 5_000),
  };
}

/**
 * The health after one more result (moby, daemon/health.go handleProbeResult). One success is enough for healthy; only `retries` failures in a
 * row make unhealthy, whatever it was before; failures that began within the start period do not count while the container is starting.
 */
export function afterProbe(health: Health, result: ProbeResult, timing: CheckTiming, sinceStartMs: number): Health {
  const log = [...health.log.slice(-4), result];
  if (result.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (health.status === "starting" && sinceStartMs < timing.startPeriodMs) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  return { status: failingStreak >= timing.retries ? "unhealthy" : health.status, failingStreak, log };
}

/** How long the next probe waits, counted from the end of the one before (moby, daemon/health.go monitor). */
export function untilNextProbe(status: HealthStatus, timing: CheckTiming, sinceStartMs: number): number {
  const remaining = timing.startPeriodMs - sinceStartMs;
  if (remaining <= 0) return timing.intervalMs;
  if (remaining < timing.intervalMs) return remaining;
  return status === "starting" ? timing.startIntervalMs : timing.intervalMs;
}
