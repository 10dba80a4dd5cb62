import assert from "node:assert/strict";
import { Recorder, type Outcome } from "../../../sandbox/load/recorder.ts";

const good: Outcome = { ok: true, status: 200, release: "r1" };

describe("a load's record", () => {
  function recorder(): Recorder {
    return new Recorder(1000, new Date(0));
  }

  it("measures latency from when a request was due, by nearest rank", () => {
    const record = recorder();
    for (let number = 1; number <= 200; number += 1) record.end("/", 1000, 1000 + number, good);
    assert.deepEqual(record.report(1200).latencyMs, { p50: 100, p95: 190, p99: 198, max: 200 });
  });

  it("finds the longest time without a good answer, at the start, between and at the end", () => {
    const between = recorder();
    for (const at of [1010, 1500, 1520]) between.end("/", at, at, good);
    assert.equal(between.report(1530).longestGapMs, 490);
    const atStart = recorder();
    atStart.end("/", 1000, 1700, good);
    assert.equal(atStart.report(1710).longestGapMs, 700);
    const atEnd = recorder();
    atEnd.end("/", 1000, 1010, good);
    atEnd.end("/", 1020, 1900, { ok: false, reason: "ECONNRESET" });
    assert.equal(atEnd.report(2000).longestGapMs, 990);
  });

  it("counts each outcome once, by reason, status and release", () => {
    const record = recorder();
    record.send(1000, 1003);
    record.send(1010, 1010);
    record.connect();
    record.end("/version", 1000, 1005, good);
    record.end("/version", 1010, 1020, { ok: true, status: 403, release: undefined });
    record.end("/b", 1040, 1050, { ok: false, reason: "status 404", status: 404 });
    record.end("/a", 1030, 6030, { ok: false, reason: "timeout" });
    assert.deepEqual(record.report(1100), {
      startedAt: "1970-01-01T00:00:00.000Z",
      durationMs: 100,
      sent: 2,
      failed: 2,
      byReason: { "status 404": 1, timeout: 1 },
      byStatus: { 200: 1, 403: 1, 404: 1 },
      byRelease: { r1: 1 },
      notFound: 1,
      longestGapMs: 80,
      latencyMs: { p50: 5, p95: 10, p99: 10, max: 10 },
      failures: [
        { atMs: 30, path: "/a", reason: "timeout" },
        { atMs: 40, path: "/b", reason: "status 404" },
      ],
      timeline: [{ answered: { r1: 1, "": 1 }, failed: 2 }],
      connectionsOpened: 1,
      maxLagMs: 3,
    });
  });

  it("puts each outcome into the span in which its request was due", () => {
    const record = recorder();
    record.end("/", 1000, 6000, { ok: false, reason: "timeout" });
    record.end("/", 1099, 1201, good);
    record.end("/", 1300, 1310, good);
    assert.deepEqual(record.report(1400).timeline, [
      { answered: { r1: 1 }, failed: 1 },
      { answered: {}, failed: 0 },
      { answered: {}, failed: 0 },
      { answered: { r1: 1 }, failed: 0 },
    ]);
  });

  it("has no latency without a good answer, and keeps the first thousand failures", () => {
    const record = recorder();
    for (let number = 0; number < 1500; number += 1) record.end("/", 1000, 1001, { ok: false, reason: "ECONNREFUSED" });
    const report = record.report(1010);
    assert.equal(report.latencyMs, null);
    assert.equal(report.failed, 1500);
    assert.equal(report.failures.length, 1000);
  });
});
