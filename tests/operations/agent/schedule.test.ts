import assert from "node:assert/strict";
import { dueBackups, lastOccasion, nextOccasion, type Occasion } from "../../../operations/agent/schedule.ts";

const berlin = "Europe/Berlin";

describe("the agent's schedule", () => {
  const times: [what: string, occasion: Occasion, zone: string, now: string, last: string, next: string][] = [
    ["an hour ago", "hourly", "UTC", "2026-11-23T22:59:59Z", "2026-11-23T22:00Z", "2026-11-23T23:00Z"],
    ["this very moment", "hourly", "UTC", "2026-11-23T22:00:00Z", "2026-11-23T22:00Z", "2026-11-23T23:00Z"],
    ["before two at night", "daily", "UTC", "2026-11-23T01:59:59Z", "2026-11-22T02:00Z", "2026-11-23T02:00Z"],
    ["a Sunday", "weekly", "UTC", "2026-11-22T03:00:00Z", "2026-11-22T03:00Z", "2026-11-29T03:00Z"],
    ["the end of February", "monthly", "UTC", "2027-02-28T23:59:59Z", "2027-02-01T04:00Z", "2027-03-01T04:00Z"],
    ["a leap day", "monthly", "UTC", "2028-02-29T12:00:00Z", "2028-02-01T04:00Z", "2028-03-01T04:00Z"],
    ["the end of a year", "monthly", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T04:00Z", "2027-01-01T04:00Z"],
    // 02:00 does not exist on that day, and comes as 03:00.
    ["clocks going forward", "daily", berlin, "2026-03-29T01:30:00Z", "2026-03-29T01:00Z", "2026-03-30T00:00Z"],
    // 02:00 comes twice on that day, and counts once.
    ["clocks going back", "daily", berlin, "2026-10-25T01:30:00Z", "2026-10-25T00:00Z", "2026-10-26T01:00Z"],
    ["the repeated hour", "hourly", berlin, "2026-10-25T01:10:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
  ];
  for (const [what, occasion, zone, now, last, next] of times) {
    it(`knows the ${occasion} times around ${what}`, () => {
      assert.equal(lastOccasion(occasion, new Date(now), zone).getTime(), Date.parse(last));
      assert.equal(nextOccasion(occasion, new Date(now), zone).getTime(), Date.parse(next));
    });
  }

  const now = new Date("2026-11-23T22:30:00Z");
  const taken = (reason: string, startedAt: string) => ({ reason, startedAt });
  const cases: [what: string, taken: { reason: string; startedAt: string }[], due: string[]][] = [
    ["everything where there is nothing, the longest kept first", [], ["monthly", "weekly", "daily", "hourly"]],
    [
      "nothing that was taken since its last time",
      [
        taken("hourly", "2026-11-23T22:00:00Z"),
        taken("daily", "2026-11-23T02:00:01Z"),
        taken("weekly", "2026-11-22T03:00:00Z"),
        taken("monthly", "2026-11-01T04:00:00Z"),
      ],
      [],
    ],
    [
      "one of each that was missed, however often",
      [
        taken("hourly", "2026-11-20T22:00:00Z"),
        taken("daily", "2026-11-23T01:59:59Z"),
        taken("weekly", "2026-11-22T03:00:00Z"),
        taken("monthly", "2026-08-01T04:00:00Z"),
      ],
      ["monthly", "daily", "hourly"],
    ],
    [
      "what was taken for another reason only",
      [taken("pre-migration", "2026-11-23T22:29:00Z"), taken("manual", "2026-11-23T22:29:00Z")],
      ["monthly", "weekly", "daily", "hourly"],
    ],
  ];
  for (const [what, backups, due] of cases) {
    it(`asks for ${what}`, () => {
      assert.deepEqual(dueBackups(["hourly", "daily", "weekly", "monthly"], backups, now, "UTC"), due);
    });
  }

  it("asks for nothing that the cadence does not name", () => {
    assert.deepEqual(dueBackups(["daily"], [], now, "UTC"), ["daily"]);
    assert.deepEqual(dueBackups([], [], now, "UTC"), []);
  });
});
