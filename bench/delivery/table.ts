import type { Row } from "./row.ts";

/** The rows for people, a line each, ours beside bare Coolify's. */
export function table(rows: readonly Row[], titles: Readonly<Record<string, string>>): string {
  const head = [
    "scenario",
    "with",
    "requests",
    "failed",
    "longest gap",
    "WebSockets lost",
    "event streams lost",
    "long requests lost",
    "time",
    "outcome",
  ];
  const body = rows.map(({ scenario, side, seconds, outcome, seen: { requests, longRequests, sockets, streams } }) => [
    titles[scenario] ?? scenario,
    side === "ours" ? "ours" : "bare Coolify",
    `${requests.sent}`,
    losses(requests.failed, requests.byReason),
    `${Math.round(requests.longestGapMs)} ms`,
    losses(sockets.lost, sockets.byReason),
    losses(streams.lost, streams.byReason),
    losses(longRequests.failed, longRequests.byReason),
    `${seconds.toFixed(0)} s`,
    outcome,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((line) => line[column]?.length ?? 0)));
  const padded = (line: readonly string[]) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [padded(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(padded)].join("\n");
}

function losses(count: number, byReason: Readonly<Record<string, number>>): string {
  if (count === 0) return "0";
  const reasons = Object.entries(byReason).map(([reason, times]) => `${times} x ${reason}`);
  return `${count} (${reasons.join(", ")})`;
}
