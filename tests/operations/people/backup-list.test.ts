import assert from "node:assert/strict";
import { together } from "../../../operations/backup/list.ts";
import type { BackupListResult } from "../../../operations/backup/spec.ts";
import { described } from "../../../operations/people/backup-list.ts";

const backup: BackupListResult["backups"][number] = {
  ...{ id: "20261101T020000Z-aaaaaa", reason: "daily", takenAt: "2026-11-01T02:00:00.000Z", bytes: 9, sha256: "x" },
  ...{ environment: "production", encrypted: true, lockedUntil: "2026-11-08T02:00:00.000Z", database: "affexai" },
  ...{ rows: 7, tables: 1, fingerprint: "f", migrations: 1, lastDrill: null, copyOf: null },
};
const lost = { id: "20261103T020000Z-cccccc", environment: "production", reason: "daily", why: "is damaged" } as const;

describe("the list of backups", () => {
  it("is of several stacks at once, newest first", () => {
    const copy = { ...backup, id: "20261102T020000Z-bbbbbb", environment: "staging", copyOf: "production" };
    const list = together([
      { backups: [backup], unreadable: [lost] },
      { backups: [copy], unreadable: [] },
    ]);
    assert.deepEqual(
      list.backups.map(({ id }) => id),
      [copy.id, backup.id],
    );
    assert.deepEqual(list.unreadable, [lost]);
    assert.match(described(list), /bbbbbb +staging +daily, masked copy of production /);
  });

  it("tells a drill that failed from one that proved the backup and from none, and what cannot be read", () => {
    const line = (lastDrill: (typeof backup)["lastDrill"]) =>
      described({ backups: [{ ...backup, lastDrill }], unreadable: [] }).split("\n")[1] ?? "";
    const drilledAt = "2026-11-09T04:30:00Z";
    assert.match(line(null), / never$/);
    assert.match(line({ drilledAt, proven: true }), /Z {2}2026-11-09T04:30:00Z$/);
    assert.match(line({ drilledAt, proven: false }), / FAILED 2026-11-09T04:30:00Z$/);
    assert.equal(
      described({ backups: [], unreadable: [lost] })
        .split("\n")
        .at(-1),
      "20261103T020000Z-cccccc of production, daily: UNREADABLE, is damaged",
    );
  });
});
