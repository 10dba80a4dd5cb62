import { z } from "zod";

/** WebSockets to hold open. */
export const SocketOptions = z.strictObject({
  /** For example `ws://api.affexai.localhost:7300/chat`; every name under `localhost` is this machine. */
  url: z.url({ protocol: /^ws$/ }),
  sockets: z.int().min(1).max(1000).default(5),
  /** The text that each socket sends; any frame that comes back is its answer. */
  message: z.string(),
  intervalMs: z.number().positive().default(1000),
  /** No answer, or no open socket, within this time is a loss. */
  timeoutMs: z.number().positive().default(5000),
});
export type SocketOptions = z.input<typeof SocketOptions>;

/**
 * What the clients of the WebSockets saw. `lost` is a socket that was closed with any code but 1001 and 1012 (RFC 6455, 7.4.1: going
 * away; IANA: service restart), that could not be opened at the first try, or that left a message unanswered.
 */
export const SocketReport = z.strictObject({
  opened: z.int(),
  lost: z.int(),
  byReason: z.record(z.string(), z.int()),
  /** Closed with 1001 or 1012, and opened again at once. */
  movedOn: z.int(),
  sent: z.int(),
  answered: z.int(),
});
export type SocketReport = z.infer<typeof SocketReport>;
