import { timelineStepMs, type TimelineBucket } from "../../sandbox/load/spec.ts";
import type { Row } from "./row.ts";

const width = 1200;
const height = 90;
const failedColour = "#d62728";
/** Answers without a release in them. */
const unnamedColour = "#c7c7c7";
const colours = ["#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e"];

/** One page with a picture for each row: requests of each tenth of a second, by the release that answered them, failed ones in red. */
export function picture(title: string, rows: readonly Row[], names: Readonly<Record<string, string>>): string {
  const releases = [...new Set(rows.flatMap(({ seen }) => Object.keys(seen.requests.byRelease)))].sort();
  const colourOf = new Map(
    releases.map((release, index) => [release, colours[index % colours.length] ?? unnamedColour]),
  );
  const legend = [
    ...[...colourOf].map(([release, colour]) => swatch(colour, `/version answered by ${release}`)),
    swatch(unnamedColour, "other pages answered"),
    swatch(failedColour, "failed"),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title>
<style>
  body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: ${width + 40}px; color: #222; background: #fff }
  h2 { font-size: 1rem; margin: 1.6rem 0 .2rem } h2 small { font-weight: normal; color: #555 }
  svg { display: block; width: 100%; background: #f7f7f7 } svg text { font-size: 10px; fill: #333 }
  .swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em } .bad { color: ${failedColour}; font-weight: bold }
</style></head><body>
<h1>${text(title)}</h1><p>${legend.join("")}</p>
${rows.map((row) => drawn(row, names[row.scenario] ?? row.scenario, colourOf)).join("\n")}
</body></html>
`;
}

function drawn(row: Row, title: string, colourOf: ReadonlyMap<string, string>): string {
  const { requests, longRequests, sockets, streams, marks } = row.seen;
  const { timeline } = requests;
  const step = width / Math.max(1, timeline.length);
  const most = Math.max(1, ...timeline.map(total));
  const bars = timeline.map((bucket, index) => bar(bucket, { x: index * step, width: step, most }, colourOf));
  const lines = marks.map(({ atMs, text: label }, index) => {
    const x = (atMs / timelineStepMs) * step;
    const y = 10 + (index % 3) * 11;
    return `<line x1="${fixed(x)}" x2="${fixed(x)}" y1="0" y2="${height}" stroke="#333" stroke-dasharray="2 3"/><text x="${fixed(x + 3)}" y="${y}">${text(label)}</text>`;
  });
  const lost = `${requests.failed} of ${requests.sent} requests failed, longest gap ${Math.round(requests.longestGapMs)} ms, ${sockets.lost} WebSockets, ${streams.lost} event streams and ${longRequests.failed} of ${longRequests.sent} long requests lost`;
  const hurt = requests.failed + sockets.lost + streams.lost + longRequests.failed > 0;
  return `<h2>${text(title)}: ${row.side === "ours" ? "ours" : "bare Coolify"} <small${hurt ? ' class="bad"' : ""}>${text(lost)}; ${row.seconds.toFixed(0)} s, ${text(row.outcome)}</small></h2>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${text(lost)}">${bars.join("")}${lines.join("")}</svg>`;
}

function bar(
  { answered, failed }: TimelineBucket,
  { x, width: step, most }: { x: number; width: number; most: number },
  colourOf: ReadonlyMap<string, string>,
): string {
  const parts = [
    ...Object.entries(answered).map(([release, count]) => ({ colour: colourOf.get(release) ?? unnamedColour, count })),
    { colour: failedColour, count: failed },
  ].toSorted((one, other) => one.colour.localeCompare(other.colour));
  let top = height;
  return parts
    .filter(({ count }) => count > 0)
    .map(({ colour, count }) => {
      // One failed request must be seen.
      const size = Math.max(colour === failedColour ? 6 : 0, (count / most) * (height - 34));
      top -= size;
      return `<rect x="${fixed(x)}" y="${fixed(top)}" width="${fixed(step + 0.3)}" height="${fixed(size)}" fill="${colour}"/>`;
    })
    .join("");
}

function total({ answered, failed }: TimelineBucket): number {
  return Object.values(answered).reduce((sum, count) => sum + count, failed);
}

function swatch(colour: string, label: string): string {
  return `<span class="swatch" style="background:${colour}"></span>${text(label)}`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function text(value: string): string {
  return value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
