import assert from "node:assert/strict";
import { decideRollback, type RollbackQuestion } from "../../../operations/release/rollback-decision.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";

const image = `registry.example/affexai/backend@sha256:${"a".repeat(64)}`;
const target: ReleaseRecord = {
  version: 1,
  id: "release-1",
  gitSha: "0".repeat(40),
  createdAt: "2026-01-01T00:00:00.000Z",
  images: { backend: image, frontend: image },
  migrations: [],
  contract: {},
  typeorm: { synchronize: false, dropSchema: false, migrationsRun: false },
  maintenance: false,
};
const ask = (changes: Partial<RollbackQuestion>) =>
  decideRollback({
    target,
    current: { id: "release-2" },
    contract: { holds: true, reasons: [], warnings: [] },
    since: [],
    provenDown: [],
    backup: null,
    ...changes,
  });
const broken = { holds: false, reasons: ["column users.email does not exist."], warnings: [] };
const migration = (name: string, kind: "SAFE" | "BREAKS" | "DESTROYS" = "SAFE", hasDown = true) => ({
  name,
  record: { class: kind, hasDown },
});

describe("a rollback", () => {
  it("has nothing to do when no earlier release was verified", () => {
    assert.equal(ask({ target: null }).action, "nothing");
  });

  it("has nothing to do when the target serves already: a gated failure never reached the users", () => {
    const decision = ask({ current: { id: "release-1" }, contract: broken });
    assert.deepEqual(decision, { action: "nothing", reasons: ["Release release-1 serves already, and was verified."] });
  });

  it("moves the applications alone when the target can live with the schema, and says what stays", () => {
    const decision = ask({ since: [migration("Expand1"), migration("Drop2", "DESTROYS")] });
    assert.deepEqual(decision, {
      action: "applications-only",
      undone: ["The schema keeps Expand1.", "The schema keeps Drop2, and what it deleted stays deleted."],
      warnings: [],
    });
  });

  it("passes the warnings of the contract on", () => {
    const contract = {
      holds: true,
      reasons: [],
      warnings: ["column users.role may hold z, which the code does not know."],
    };
    const decision = ask({ contract });
    assert.equal(decision.action, "applications-only");
    assert.deepEqual(decision.action === "applications-only" && decision.warnings, contract.warnings);
  });

  const why: readonly [string, RollbackQuestion["since"], string][] = [
    ["data was destroyed", [migration("Drop2", "DESTROYS")], "Drop2 destroyed data, which no down brings back."],
    ["there is no down", [migration("Rename2", "BREAKS", false)], "Rename2 has no down."],
    ["the down was never proven", [migration("Rename2", "BREAKS")], "Rename2 has a down that was never proven."],
    [
      "nobody knows the migration",
      [{ name: "ByHand2", record: null }],
      "ByHand2 is in the database, and no release in the ledger has it.",
    ],
  ];
  for (const [what, since, reason] of why) {
    it(`is refused when the target cannot live with the schema and ${what}`, () => {
      const decision = ask({ contract: broken, since });
      assert.equal(decision.action, "refuse");
      assert.deepEqual(decision.action === "refuse" && decision.reasons, [
        "Release release-1 cannot run on this schema: column users.email does not exist.",
        reason,
      ]);
    });
  }

  it("that is refused names the backup to go back to and what that would lose", () => {
    const backup = { id: "20260101T000000Z-abcdef", takenAt: "2026-01-01T00:00:00.000Z" };
    const decision = ask({ contract: broken, backup });
    assert.deepEqual(decision.action === "refuse" && decision.restore, {
      backup: backup.id,
      loses: "everything that was written since 2026-01-01T00:00:00.000Z",
    });
    assert.equal(ask({ contract: broken }).action, "refuse");
  });
});
