import type { z } from "zod";
import { timelineStepMs, type LoadFailure, type LoadReport, type TimelineBucket } from "./spec.ts";

/** What came of one request. */
export type Outcome =
  | { readonly ok: true; readonly status: number; readonly release: string | undefined }
  | { readonly ok: false; readonly reason: string; readonly status?: number };

const keptFailures = 1000;

/** Counts outcomes into a report. Times are of performance.now(). */
export class Recorder {
  readonly startedAtMs: number;
  private readonly startedAt: string;
  private sent = 0;
  private failed = 0;
  private notFound = 0;
  private connectionsOpened = 0;
  private maxLagMs = 0;
  private longestGapMs = 0;
  private lastGoodMs: number;
  private readonly latencies: number[] = [];
  private readonly failures: z.infer<typeof LoadFailure>[] = [];
  private readonly timeline: TimelineBucket[] = [];
  private readonly byReason: Record<string, number> = {};
  private readonly byStatus: Record<string, number> = {};
  private readonly byRelease: Record<string, number> = {};

  constructor(nowMs: number, startedAt: Date) {
    this.startedAtMs = nowMs;
    this.lastGoodMs = nowMs;
    this.startedAt = startedAt.toISOString();
  }

  send(dueMs: number, nowMs: number): void {
    this.sent += 1;
    this.maxLagMs = Math.max(this.maxLagMs, nowMs - dueMs);
  }

  connect(): void {
    this.connectionsOpened += 1;
  }

  /** `dueMs`: when the request should have been sent, whether or not it was; `nowMs`: when it came to its end. */
  end(path: string, dueMs: number, nowMs: number, outcome: Outcome): void {
    if (outcome.status !== undefined) count(this.byStatus, String(outcome.status));
    const bucket = this.bucket(dueMs);
    if (outcome.ok) {
      count(bucket.answered, outcome.release ?? "");
      this.latencies.push(nowMs - dueMs);
      this.gap(nowMs);
      this.lastGoodMs = nowMs;
      if (outcome.release !== undefined) count(this.byRelease, outcome.release);
      return;
    }
    this.failed += 1;
    bucket.failed += 1;
    if (outcome.status === 404) this.notFound += 1;
    count(this.byReason, outcome.reason);
    const atMs = round(dueMs - this.startedAtMs);
    if (this.failures.length < keptFailures) this.failures.push({ atMs, path, reason: outcome.reason });
  }

  /** `stoppedMs`: when the last request was sent. */
  report(stoppedMs: number): LoadReport {
    this.gap(stoppedMs);
    const { startedAt, sent, failed, byReason, byStatus, byRelease, notFound, connectionsOpened } = this;
    const failures = this.failures.toSorted((one, other) => one.atMs - other.atMs);
    return {
      startedAt,
      durationMs: round(stoppedMs - this.startedAtMs),
      sent,
      failed,
      byReason,
      byStatus,
      byRelease,
      notFound,
      longestGapMs: round(this.longestGapMs),
      latencyMs: percentiles(this.latencies),
      failures,
      timeline: this.timeline,
      connectionsOpened,
      maxLagMs: round(this.maxLagMs),
    };
  }

  private bucket(dueMs: number): TimelineBucket {
    const index = Math.floor((dueMs - this.startedAtMs) / timelineStepMs);
    while (this.timeline.length <= index) this.timeline.push({ answered: {}, failed: 0 });
    return this.timeline[index] ?? { answered: {}, failed: 0 };
  }

  private gap(nowMs: number): void {
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.lastGoodMs);
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function percentiles(values: readonly number[]): LoadReport["latencyMs"] {
  if (values.length === 0) return null;
  const ordered = values.toSorted((one, other) => one - other);
  // Nearest rank: the smallest value that so many of all are not above.
  const at = (share: number) => round(ordered[Math.ceil(share * ordered.length) - 1] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
