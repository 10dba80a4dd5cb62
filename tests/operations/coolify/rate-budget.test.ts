import assert from "node:assert/strict";
import fc from "fast-check";
import {
  foreignUse,
  line,
  nextSlot,
  promptSlot,
  readBudget,
  usable,
  windowMs,
} from "../../../operations/coolify/rate-budget.ts";

const start = 1_800_000_000_000;

/** The most requests that any window of this length holds. */
function busiest(slots: readonly number[], window: number): number {
  let first = 0;
  let most = 0;
  for (const [index, slot] of slots.entries()) {
    while ((slots[first] ?? 0) <= slot - window) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

describe("the budget of requests that processes share", () => {
  it("leaves a tenth of the limit to people, and at least one request to us", () => {
    assert.deepEqual([usable(200), usable(60), usable(7), usable(1), usable(null)], [180, 54, 6, 1, 180]);
  });

  it("gives a quarter of it at once, and the rest at the limit's own pace", () => {
    const log = [line.limit(start, 20), ...Array.from({ length: 18 }, (_, index) => line.ask(start, `r${index}`))];
    const waits = readBudget(log.join("\n")).slots.map((slot) => slot - start);
    const step = Math.ceil(windowMs / 18);
    assert.deepEqual(waits.slice(0, 4), [0, 0, 0, 0]);
    assert.deepEqual(
      waits.slice(4),
      Array.from({ length: 14 }, (_, index) => step * (index + 1)),
    );
  });

  it("never allows more than the limit in any window, whoever asks when", () => {
    const asks = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 250 }), (pauses, limit) => {
        let now = start;
        const lines = pauses.map((pause, index) => line.ask((now += pause % 700), `r${index}`));
        const { slots } = readBudget([line.limit(start, limit), ...lines].join("\n"));
        assert.equal(slots.length, pauses.length);
        assert.ok(busiest(slots, 60_000) <= usable(limit));
        assert.deepEqual(
          slots,
          [...slots].sort((one, other) => one - other),
        );
      }),
      { numRuns: 200 },
    );
  });

  it("counts what others have spent of the same limit", () => {
    const budget = readBudget([line.limit(start, 20), line.ask(start, "own")].join("\n"));
    assert.equal(foreignUse(budget, start + 10, 17), 16);
    const log = [
      line.limit(start, 20),
      line.ask(start, "own"),
      line.used(start + 10, 16),
      line.ask(start + 20, "next"),
    ];
    const { slotOf, slots } = readBudget(log.join("\n"));
    assert.equal(slots.length, 18);
    assert.equal(slotOf.get("next"), start + 10 + Math.ceil(windowMs / 18), "seventeen of eighteen are spent");
    assert.equal(foreignUse(readBudget(log.join("\n")), start + 30, 17), 0, "they are counted once");
  });

  it("lets nobody ask before the server's own pause is over", () => {
    const { slots } = readBudget([line.pause(start, start + 42_000), line.ask(start + 5, "a")].join("\n"));
    assert.deepEqual(slots, [start + 42_000]);
    assert.equal(nextSlot(readBudget(line.pause(start, start + 42_000)), start + 43_000), start + 43_000);
  });

  it("keeps for a prompt request the limit and the server's pause, and not the pace of a burst", () => {
    const asked = (count: number) =>
      readBudget(
        [line.limit(start, 20), ...Array.from({ length: count }, (_, at) => line.ask(start, `r${at}`))].join("\n"),
      );
    assert.equal(promptSlot(asked(0), start), start);
    assert.deepEqual([promptSlot(asked(17), start), nextSlot(asked(17), start) > start], [start, true]);
    // The first of eighteen is forgotten a window later.
    assert.equal(promptSlot(asked(18), start), start + windowMs);
    assert.equal(promptSlot(readBudget(line.pause(start, start + 42_000)), start), start + 42_000);
  });

  it("passes over half a line, which a killed writer leaves, and what else is no line of it", () => {
    const log = `${line.ask(start, "a")}\nask 18000\n${line.ask(start, "b")}\nlimit x y\nlimit ${start} 9.5\n\n`;
    const budget = readBudget(log);
    assert.deepEqual([...budget.slotOf.keys()], ["a", "b"]);
    assert.equal(budget.limit, null);
  });

  it("brings 20 applications of 3 replicas through a changed release below 200 requests a minute", () => {
    // Each application: 8 requests, and for each replica in turn 6 and a poll every 2 s while it rolls out, here for 30 s.
    const run = simulate({ applications: 20, replicas: 3, rolloutSeconds: 30, pollSeconds: 2 });
    assert.equal(run.requests, 20 * (8 + 3 * (6 + 15)));
    assert.ok(busiest(run.slots, 60_000) <= 180, `${busiest(run.slots, 60_000)} in one minute`);
    // 1,420 requests at 180 a minute are 7.9 minutes; without the limit it would have been 1.5.
    assert.ok(run.minutes <= 9, `${run.minutes} minutes`);
    assert.ok(run.longestWaitSeconds < 30, `${run.longestWaitSeconds} s for one turn`);
  });

  it("lets 20 unchanged applications of 3 replicas pass within seconds", () => {
    const run = simulate({ applications: 20, replicas: 0, rolloutSeconds: 0, pollSeconds: 2, first: 4 });
    assert.deepEqual([run.requests, run.longestWaitSeconds], [80, 7]);
  });
});

interface Simulated {
  readonly applications: number;
  readonly replicas: number;
  readonly rolloutSeconds: number;
  readonly pollSeconds: number;
  /** Requests of an application besides those of its replicas. */
  readonly first?: number;
}

/**
 * Applications that run at the same time, each sending a request as soon as the one before was answered and its next is due. The log is
 * the real one, read anew for each request.
 */
function simulate({ applications, replicas, rolloutSeconds, pollSeconds, first = 8 }: Simulated) {
  const polls = rolloutSeconds / pollSeconds;
  const pauses = [
    ...Array.from({ length: first }, () => 100),
    ...Array.from({ length: replicas }, () => [
      ...Array.from({ length: 6 }, () => 100),
      ...Array.from({ length: polls }, () => pollSeconds * 1000),
    ]).flat(),
  ];
  const running = Array.from({ length: applications }, (_, index) => ({ index, next: 0, due: start + index }));
  const recent: string[] = [line.limit(start, 200)];
  const slots: number[] = [];
  let longest = 0;
  for (;;) {
    const [one] = running.filter(({ next }) => next < pauses.length).sort((left, right) => left.due - right.due);
    if (one === undefined) break;
    const id = `a${one.index}r${one.next}`;
    recent.push(line.ask(one.due, id));
    const slot = readBudget(recent.join("\n")).slotOf.get(id) ?? Number.NaN;
    recent.push(line.slot(one.due, id, slot));
    // As the files of a log are forgotten: what is left is more than a minute.
    if (recent.length > 1000) recent.splice(1, 500);
    slots.push(slot);
    longest = Math.max(longest, slot - one.due);
    one.due = slot + (pauses[one.next] ?? 0);
    one.next += 1;
  }
  slots.sort((left, right) => left - right);
  return {
    requests: slots.length,
    slots,
    minutes: ((slots.at(-1) ?? start) - start) / 60_000,
    longestWaitSeconds: Math.ceil(longest / 1000),
  };
}
