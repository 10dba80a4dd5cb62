import type { EventStreamReport } from "../../sandbox/load/event-stream-spec.ts";
import type { SocketReport } from "../../sandbox/load/socket-spec.ts";
import type { LoadReport } from "../../sandbox/load/spec.ts";

export type Side = "ours" | "bare";

/** What users of all kinds saw while something happened. */
export interface Seen {
  readonly requests: LoadReport;
  readonly longRequests: LoadReport;
  readonly sockets: SocketReport;
  readonly streams: EventStreamReport;
  /** What happened when, for the picture. */
  readonly marks: readonly Mark[];
}

export interface Mark {
  /** Since the first request. */
  readonly atMs: number;
  readonly text: string;
}

/** One scenario as users saw it, with our verbs or with bare Coolify. */
export interface Row {
  readonly scenario: string;
  readonly side: Side;
  /** From the command to its end. */
  readonly seconds: number;
  /** How the command ended, in a few words. */
  readonly outcome: string;
  /** What does not hold, besides lost requests; empty when all is as it must be. */
  readonly problems: readonly string[];
  readonly seen: Seen;
}
