import { setTimeout as delay } from "node:timers/promises";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { replicaHeader, replicaId } from "./labels.ts";
import { digestOf, isRunning, servedDigest } from "./plan.ts";
import { parsePrometheusText } from "./prometheus-text.ts";
import { publicUrl } from "./replica-route.ts";
import type { Found } from "./replicas.ts";
import type { Moved, Rollout } from "./rollout.ts";
import type { ApplicationSpec, Canary } from "./spec.ts";

/** What a replica has answered since it started, probes and its metrics themselves aside. */
export interface Answers {
  readonly requests: number;
  /** Those of them with a 5xx status. */
  readonly errors: number;
  /** Of `timed` answers, all together. */
  readonly seconds: number;
  readonly timed: number;
}

/** `unknown`: too little happened to judge. */
export interface Verdict {
  readonly kind: "good" | "errors" | "slow" | "restarted" | "unknown";
  readonly text: string;
}

const none: Answers = { requests: 0, errors: 0, seconds: 0, timed: 0 };

/** A mean below this is never too slow: where answers take microseconds, a cold cache multiplies them. Seconds. */
const noticeable = 0.05;

/** How often the canary is looked at while it is held, in ms. Errors end the hold early. */
const lookMs = 2000;

/**
 * Holds the rollout after the first replica of a changed image, and compares what it answers with what the replicas at the old image
 * answer in the same time. Throws when it is worse than the spec allows, which is undone like every other failure.
 */
export async function holdCanary(
  { spec }: Rollout,
  wanted: readonly Found[],
  moved: readonly Moved[],
  context: Context,
): Promise<void> {
  const { canary } = spec;
  const [first] = moved;
  if (canary === null || first === undefined || moved.length !== 1) return;
  if (servedDigest(first.before.application) === digestOf(spec.image)) return;
  const old = wanted.flatMap(({ replica, row }) => {
    const digest = row === null || !isRunning(row) ? null : servedDigest(row);
    const other = replica.number !== first.replica.number && digest !== digestOf(spec.image);
    return digest !== null && other ? [replicaId(replica.number, digest)] : [];
  });
  if (old.length === 0) {
    context.progress.note("canary: no replica at the old image is left to compare the new one with");
    return;
  }
  await context.progress.step(
    `${spec.name}: replica ${first.replica.number} held for ${canary.holdSeconds} s as a canary`,
    (progress) => hold({ spec, canary, fresh: first.replica.id, old }, { ...context, progress }),
  );
}

async function hold(
  { spec, canary, fresh, old }: { spec: ApplicationSpec; canary: Canary; fresh: string; old: readonly string[] },
  context: Context,
): Promise<void> {
  const readFresh = () => readAnswers(spec, canary, fresh, context.signal);
  // An old release may have had no metrics yet, and an old replica may end meanwhile: neither is the new one's fault.
  const readOld = async () => {
    const each = await Promise.allSettled(old.map((id) => readAnswers(spec, canary, id, context.signal)));
    return each.every(({ status }) => status === "fulfilled")
      ? sum(each.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])))
      : null;
  };
  const before = { fresh: await readFresh(), old: await readOld() };
  const deadline = Date.now() + canary.holdSeconds * 1000;
  for (;;) {
    await delay(Math.max(0, Math.min(lookMs, deadline - Date.now())), undefined, { signal: context.signal });
    const [freshNow, oldNow] = await Promise.all([readFresh(), readOld()]);
    const held = oldNow === null || before.old === null ? none : difference(oldNow, before.old);
    // Where the new definition of the routes takes every request, the old ones are judged by what they did before.
    const compared = held.requests < canary.minRequests ? (before.old ?? none) : held;
    const verdict = judgeCanary(canary, difference(freshNow, before.fresh), compared);
    const over = Date.now() >= deadline;
    if (verdict.kind === "errors" || verdict.kind === "restarted" || (over && verdict.kind === "slow")) {
      throw worse(spec, verdict.text);
    }
    if (!over) continue;
    context.progress.note(`canary: ${verdict.text}`);
    return;
  }
}

/** Compares the new one's answers with the old ones'. Pure. */
export function judgeCanary(canary: Canary, fresh: Answers, old: Answers): Verdict {
  const counts = `${fresh.requests} answers of the new one, ${old.requests} of the old`;
  if (fresh.requests < 0) return { kind: "restarted", text: "the new one started again during the hold" };
  if (fresh.requests < canary.minRequests || old.requests < canary.minRequests) {
    return { kind: "unknown", text: `too few requests to judge: ${counts}, ${canary.minRequests} needed of each` };
  }
  const errors = { fresh: fresh.errors / fresh.requests, old: old.errors / old.requests };
  const mean = { fresh: fresh.seconds / Math.max(1, fresh.timed), old: old.seconds / Math.max(1, old.timed) };
  const shares = `${percent(errors.fresh)} of the new one's answers were 5xx, ${percent(errors.old)} of the old ones'`;
  const times = `its answers took ${milliseconds(mean.fresh)} in the mean, the old ones' ${milliseconds(mean.old)}`;
  const text = `${shares}; ${times} (${counts})`;
  if (errors.fresh - errors.old > canary.maxErrorRatio) {
    return { kind: "errors", text: `${text}: more than ${percent(canary.maxErrorRatio)} above` };
  }
  if (mean.fresh > Math.max(noticeable, mean.old * canary.maxLatencyRatio)) {
    return { kind: "slow", text: `${text}: more than ${canary.maxLatencyRatio} times as long` };
  }
  return { kind: "good", text };
}

function worse(spec: ApplicationSpec, text: string): OperationError {
  return new OperationError("failed", {
    where: `${spec.name}, canary`,
    what: `${text}.`,
    next: "Look at the new release's log and metrics.",
  });
}

/** What one replica says on its own route. Throws (failed) when it says nothing that can be read. */
async function readAnswers(
  spec: ApplicationSpec,
  { metricsPath }: Canary,
  id: string,
  signal: AbortSignal,
): Promise<Answers> {
  const url = `${publicUrl(spec) ?? ""}${metricsPath}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  try {
    const response = await fetch(url, { headers: { [replicaHeader]: id }, signal: limit });
    const text = await response.text();
    if (!response.ok) throw new Error(`status ${response.status}`);
    return answersIn(text, new Set([spec.health.path, spec.versionPath, metricsPath]));
  } catch (error) {
    signal.throwIfAborted();
    throw new OperationError(
      "failed",
      {
        where: `${spec.name}, metrics of replica ${id} at ${url}`,
        what: `could not be read: ${error instanceof Error ? error.message : String(error)}.`,
        next: "Mend the application's metrics, or set the canary to null.",
      },
      { cause: error },
    );
  }
}

/** The figures in Prometheus text, without the routes that probes ask. */
export function answersIn(text: string, probes: ReadonlySet<string>): Answers {
  const samples = parsePrometheusText(text).filter(({ labels }) => !probes.has(labels["route"] ?? ""));
  const total = (name: string, wanted: (status: string) => boolean = () => true) =>
    samples.reduce((sum, one) => (one.name === name && wanted(one.labels["status"] ?? "") ? sum + one.value : sum), 0);
  if (!samples.some(({ name }) => name === "http_requests_total") && !text.includes("# TYPE http_requests_total")) {
    throw new Error("no http_requests_total in them");
  }
  return {
    requests: total("http_requests_total"),
    errors: total("http_requests_total", (status) => /^5\d\d$/.test(status)),
    seconds: total("http_request_duration_seconds_sum"),
    timed: total("http_request_duration_seconds_count"),
  };
}

function combine(one: Answers, other: Answers, of: (one: number, other: number) => number): Answers {
  return {
    requests: of(one.requests, other.requests),
    errors: of(one.errors, other.errors),
    seconds: of(one.seconds, other.seconds),
    timed: of(one.timed, other.timed),
  };
}

function sum(answers: readonly Answers[]): Answers {
  return answers.reduce((one, other) => combine(one, other, (a, b) => a + b), none);
}

function difference(now: Answers, before: Answers): Answers {
  return combine(now, before, (a, b) => a - b);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}
