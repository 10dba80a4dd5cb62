import { z } from "zod";

/** Streams of server-sent events to hold open. */
export const EventStreamOptions = z.strictObject({
  /** For example `http://api.affexai.localhost:7300/api/updates/stream`; every name under `localhost` is this machine. */
  url: z.url({ protocol: /^http$/ }),
  streams: z.int().min(1).max(1000).default(5),
  /** Not a byte, not even a comment, within this time is a loss. */
  timeoutMs: z.number().positive().default(12_000),
});
export type EventStreamOptions = z.input<typeof EventStreamOptions>;

/**
 * What the clients of the streams saw. `lost` is a stream that broke off instead of ending, that was answered with anything but 200 and
 * `text/event-stream` (after which a browser never comes again), that could not be opened, or that fell silent.
 */
export const EventStreamReport = z.strictObject({
  opened: z.int(),
  lost: z.int(),
  byReason: z.record(z.string(), z.int()),
  /** Ended in full, and opened again after the time that the server had named. */
  movedOn: z.int(),
  /** Events with data. */
  events: z.int(),
});
export type EventStreamReport = z.infer<typeof EventStreamReport>;
