import assert from "node:assert/strict";
import { expired, type Prunable, type Retention } from "../../../operations/backup/prune-plan.ts";
import type { BackupReason } from "../../../operations/backup/spec.ts";

const now = new Date("2026-11-23T12:00:00Z");
const keep = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
const dayMs = 86_400_000;

/** A backup of so many days ago. Its id sorts by time. */
function backup(days: number, reason: BackupReason = "daily", more: Partial<Prunable> = {}): Prunable {
  const begunAt = new Date(now.getTime() - days * dayMs);
  const id = `${begunAt.toISOString().replace(/[-:]|\.\d+/g, "")}-000000`;
  return { id, reason, begunAt, counted: true, drilled: false, ...more };
}

describe("the plan of pruning", () => {
  const gone = (backups: Prunable[], retention: Partial<Retention> = {}) =>
    expired(backups, { keep, minimum: 1, needed: new Set(), ...retention }, now).map(({ id }) => id);

  it("expires backups by why they were made, oldest first, and keeps those of the very day", () => {
    const backups = [
      backup(0),
      backup(2.1, "hourly"),
      backup(14, "daily"),
      backup(14.1, "daily"),
      backup(57, "weekly"),
    ];
    assert.deepEqual(
      gone(backups),
      [backups[4], backups[3], backups[1]].map((one) => one?.id),
    );
  });

  it("keeps the newest ones, however old, when backups stopped being made", () => {
    const backups = [backup(400), backup(390), backup(380), backup(370)];
    assert.deepEqual(gone(backups, { minimum: 3 }), [backups[0]?.id]);
    assert.deepEqual(gone(backups, { minimum: 1 }).length, 3);
    assert.deepEqual(gone([backup(400)]), []);
  });

  it("does not count what cannot be read, and still deletes it in its time", () => {
    const backups = [backup(40), backup(35), backup(30, "daily", { counted: false })];
    assert.deepEqual(
      gone(backups),
      [backups[0], backups[2]].map((one) => one?.id),
    );
  });

  it("keeps as many drilled ones", () => {
    const drilled = { drilled: true };
    const backups = [backup(60, "daily", drilled), backup(50, "daily", drilled), backup(40), backup(0)];
    assert.deepEqual(
      gone(backups),
      [backups[0], backups[2]].map((one) => one?.id),
    );
    assert.deepEqual(gone(backups, { minimum: 2 }), []);
  });

  it("keeps what a release needs", () => {
    const backups = [backup(60, "pre-migration"), backup(50, "pre-migration"), backup(0)];
    assert.deepEqual(gone(backups, { needed: new Set([backups[0]?.id ?? ""]) }), [backups[1]?.id]);
  });
});
