import assert from "node:assert/strict";
import { mostWithin } from "../../../bench/delivery/fleet.ts";
import { figuresOf } from "../../../bench/delivery/judge.ts";
import { busySeconds, type Update } from "../../../bench/delivery/observe.ts";
import { picture } from "../../../bench/delivery/picture.ts";
import type { Row } from "../../../bench/delivery/row.ts";
import { table } from "../../../bench/delivery/table.ts";
import type { LoadReport } from "../../../sandbox/load/spec.ts";

const load: LoadReport = {
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 200,
  ...{ sent: 4, failed: 0, byReason: {}, byStatus: { 200: 4 }, byRelease: { r1: 1, r2: 1 }, notFound: 0 },
  ...{ longestGapMs: 12.3, latencyMs: null, failures: [], connectionsOpened: 1, maxLagMs: 5 },
  timeline: [
    { answered: { r1: 1, "": 1 }, failed: 0 },
    { answered: { r2: 1, "": 1 }, failed: 0 },
  ],
};
const sockets = { opened: 1, lost: 0, byReason: {}, movedOn: 0, sent: 1, answered: 1 };

const streams = { opened: 1, lost: 0, byReason: {}, movedOn: 0, events: 0 };

function row(change: Partial<Row> = {}, requests: Partial<LoadReport> = {}): Row {
  return {
    ...{ scenario: "release", side: "ours", seconds: 3.21, outcome: "done", problems: [] },
    seen: {
      requests: { ...load, ...requests },
      longRequests: load,
      sockets,
      streams,
      marks: [{ atMs: 100, text: "a < b" }],
    },
    ...change,
  };
}

function broken(one: Row, promised: boolean): string[] {
  return figuresOf(one, { title: "release", promised })
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

describe("the delivery bench's figures", () => {
  it("hold for ours when nothing was lost, and not when one request was", () => {
    assert.deepEqual(broken(row(), true), []);
    assert.deepEqual(broken(row({}, { failed: 1 }), true), ["release, ours: failed requests"]);
    assert.deepEqual(broken(row({}, { failed: 1 }), false), []);
  });

  it("do not hold for ours when a stream of events was lost", () => {
    const lost = { ...streams, lost: 1, byReason: { "broke off": 1 } };
    const one = row();
    assert.deepEqual(broken({ ...one, seen: { ...one.seen, streams: lost } }, true), [
      "release, ours: event streams lost",
    ]);
  });

  it("do not hold when bare Coolify's release lost nothing: then the platform cannot hurt", () => {
    assert.deepEqual(broken(row({ side: "bare" }), true), ["release, bare Coolify: failed requests"]);
    assert.deepEqual(broken(row({ side: "bare" }, { failed: 1 }), true), []);
    assert.deepEqual(broken(row({ side: "bare", scenario: "labels" }), true), []);
  });

  it("do not hold when the generator lagged by more than a second, or something else was wrong", () => {
    assert.deepEqual(broken(row({}, { maxLagMs: 1001 }), false), ["release, ours: lag of the generator"]);
    assert.deepEqual(broken(row({ problems: ["users get another release"] }), false), ["release, ours: problems"]);
  });

  it("count the time in which any container starts or drains once", () => {
    const update = (startedMs: number | null, finishedMs: number | null): Update => ({
      ...{ id: "d", status: "finished", healthyMs: null, startedMs, finishedMs },
    });
    const overlapping = [update(1000, 4000), update(2000, 6000), update(9000, 10_000), update(null, 7000)];
    assert.equal(busySeconds(overlapping), 6);
    assert.equal(busySeconds([update(1000, 9000), update(2000, 3000)]), 8);
    assert.equal(busySeconds([]), 0);
  });

  it("find the most requests within any minute, not within those of the clock", () => {
    assert.equal(mostWithin([0, 30, 59, 61, 80, 200], 60), 4);
    assert.equal(mostWithin([0, 60], 60), 1);
    assert.equal(mostWithin([], 60), 0);
  });

  it("are shown as a table, ours beside bare Coolify's", () => {
    const lines = table([row(), row({ side: "bare" }, { failed: 2, byReason: { "status 502": 2 } })], {
      release: "a release",
    }).split("\n");
    assert.match(lines[2] ?? "", /^\| a release +\| ours +\| 4 +\| 0 +\| 12 ms/);
    assert.match(lines[3] ?? "", /\| bare Coolify \| 4 +\| 2 \(2 x status 502\) \|/);
    assert.equal(new Set(lines.map(({ length }) => length)).size, 1);
  });

  it("are drawn: each release in a colour of its own, failed requests in red, texts escaped", () => {
    const page = picture("Bench", [row({}, { timeline: [{ answered: { r1: 1, r2: 2 }, failed: 1 }] })], {});
    const colours = [...page.matchAll(/<rect [^>]*fill="(#[0-9a-f]+)"/g)].map(([, colour]) => colour);
    assert.deepEqual(colours.toSorted(), ["#1f77b4", "#2ca02c", "#d62728"]);
    assert.match(page, /a &lt; b/);
  });
});
