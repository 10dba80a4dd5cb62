import { atLeast, atMost, reported, type Figure } from "../figure.ts";
import type { Row } from "./row.ts";

/** Above it the generator, not the platform, is what was measured. */
const mostLagMs = 1000;

/** What a row must keep: where it is promised, nothing lost; where it is bare Coolify's release, something, or our zero says nothing. */
export function figuresOf(row: Row, { title, promised }: { title: string; promised: boolean }): Figure[] {
  const { requests, longRequests, sockets, streams } = row.seen;
  const name = `${title}, ${row.side === "ours" ? "ours" : "bare Coolify"}`;
  const lost = (what: string, value: number) =>
    row.side === "ours" && promised
      ? atMost(`${name}: ${what}`, value, "", 0)
      : reported(`${name}: ${what}`, value, "");
  return [
    reported(`${name}: requests sent`, requests.sent, ""),
    row.side === "bare" && row.scenario === "release"
      ? atLeast(`${name}: failed requests`, requests.failed, "", 1)
      : lost("failed requests", requests.failed),
    reported(`${name}: longest gap`, requests.longestGapMs, "ms"),
    lost("WebSockets lost", sockets.lost),
    lost("event streams lost", streams.lost),
    lost("long requests lost", longRequests.failed),
    reported(`${name}: time`, row.seconds, "s"),
    atMost(`${name}: lag of the generator`, Math.max(requests.maxLagMs, longRequests.maxLagMs), "ms", mostLagMs),
    atMost(`${name}: problems`, row.problems.length, "", 0),
  ];
}
