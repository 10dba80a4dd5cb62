import type { Row } from "./row.ts";

/** The rows for people, a line each, ours beside bare Coolify's. */
export function table(rows: readonly Row[], titles: Readonly<Record<string, string>>): string {
  const head = [
    "scenario",
    "with",
    "requests",
    "failed",
    "longest gap",
    "sockets lost",
    "long lost",
    "time",
    "outcome",
  ];
  const body = rows.map(({ scenario, side, seconds, outcome, seen: { requests, longRequests, sockets } }) => [
    titles[scenario] ?? scenario,
    side === "ours" ? "ours" : "bare Coolify",
    `${requests.sent}`,
    requests.failed === 0 ? "0" : `${requests.failed} (${reasons(requests.byReason)})`,
    `${Math.round(requests.longestGapMs)} ms`,
    sockets.lost === 0 ? "0" : `${sockets.lost} (${reasons(sockets.byReason)})`,
    longRequests.failed === 0 ? "0" : `${longRequests.failed} (${reasons(longRequests.byReason)})`,
    `${seconds.toFixed(0)} s`,
    outcome,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((line) => line[column]?.length ?? 0)));
  const padded = (line: readonly string[]) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [padded(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(padded)].join("\n");
}

function reasons(byReason: Readonly<Record<string, number>>): string {
  return Object.entries(byReason)
    .map(([reason, count]) => `${count} x ${reason}`)
    .join(", ");
}
