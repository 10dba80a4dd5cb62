import { z } from "zod";

/** What to send. Everything is per load, not per connection. */
export const LoadOptions = z.strictObject({
  /** Origin, for example `http://api.affexai.localhost:7300`; every name under `localhost` is this machine. */
  url: z.url({ protocol: /^http$/ }),
  /** Sent as the Host header instead of the URL's. */
  host: z.string().optional(),
  requestsPerSecond: z.number().positive().max(5000),
  /** Kept alive and used in turn. A request whose connection is busy gets one more: it never waits for another request. */
  connections: z.int().min(1).max(1000).default(16),
  /** No whole answer within this time is a failure. */
  timeoutMs: z.number().positive().default(5000),
  method: z.enum(["GET", "POST"]).default("GET"),
  /** Used in turn. */
  paths: z.array(z.string().startsWith("/")).min(1),
  /** Sent as JSON with POST. */
  body: z.json().optional(),
  headers: z.record(z.string(), z.string()).default({}),
});
export type LoadOptions = z.input<typeof LoadOptions>;

export const LoadFailure = z.strictObject({
  /** When it was sent, since the start. */
  atMs: z.number(),
  path: z.string(),
  /** `status 503`, `ECONNRESET`, `timeout`, `aborted`. */
  reason: z.string(),
});

/** What came of the requests that were due within one span of `timelineStepMs`. */
export const TimelineBucket = z.strictObject({
  /** Good answers, by the `release` in their JSON body; those without one under `""`. */
  answered: z.record(z.string(), z.int()),
  failed: z.int(),
});
export type TimelineBucket = z.infer<typeof TimelineBucket>;

export const timelineStepMs = 100;

/** What a load saw. `failed` is no connection, a broken one, 404, 5xx, or no whole answer in time; nothing is ever sent again. */
export const LoadReport = z.strictObject({
  startedAt: z.iso.datetime(),
  /** From the first request to the end of sending. */
  durationMs: z.number(),
  sent: z.int(),
  failed: z.int(),
  byReason: z.record(z.string(), z.int()),
  /** Answers by status, the good ones too. */
  byStatus: z.record(z.string(), z.int()),
  /** Good answers by the `release` in their JSON body, where there is one. */
  byRelease: z.record(z.string(), z.int()),
  /** The 404s among the failed: the proxy had no route. */
  notFound: z.int(),
  /** The longest time without any good answer. */
  longestGapMs: z.number(),
  /** Of good answers, from when the request was due to the end of its answer; null when there was none. */
  latencyMs: z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() }).nullable(),
  /** The first 1,000. */
  failures: z.array(LoadFailure),
  /** From the start on, one for each `timelineStepMs`. */
  timeline: z.array(TimelineBucket),
  connectionsOpened: z.int(),
  /** How late the latest request was sent: above some 100 ms this machine, not the server, is what was measured. */
  maxLagMs: z.number(),
});
export type LoadReport = z.infer<typeof LoadReport>;
