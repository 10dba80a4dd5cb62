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
    holder: null,
    unverified: null,
    backup: null,
    restoreDatabase: false,
    ...changes,
  });
const broken = { holds: false, reasons: ["column users.email does not exist."], warnings: [] };
const migration = (
  name: string,
  kind: "SAFE" | "BREAKS" | "DESTROYS" = "SAFE",
  { hasDown = true, downProven = false } = {},
) => ({ name, record: { class: kind, hasDown, downProven } });
const holder = { ...target, id: "release-2" };
const backup = { id: "20260101T000000Z-abcdef", takenAt: "2026-01-01T00:00:00.000Z" };
const proven = { downProven: true };

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
    ["there is no down", [migration("Rename2", "BREAKS", { hasDown: false })], "Rename2 has no down."],
    ["the down was never proven", [migration("Rename2", "BREAKS")], "Rename2 has a down that was never proven."],
    [
      "nobody knows the migration",
      [{ name: "ByHand2", record: null }],
      "ByHand2 is in the database, and no release in the ledger has it.",
    ],
  ];
  for (const [what, since, reason] of why) {
    it(`is refused when the target cannot live with the schema and ${what}`, () => {
      const decision = ask({ contract: broken, since, holder });
      assert.equal(decision.action, "refuse");
      assert.deepEqual(decision.action === "refuse" && decision.reasons, [
        "Release release-1 cannot run on this schema: column users.email does not exist.",
        reason,
      ]);
    });
  }

  it("that is refused names the backup to go back to and what that would lose", () => {
    const decision = ask({ contract: broken, backup });
    assert.deepEqual(decision.action === "refuse" && decision.restore, {
      backup: backup.id,
      loses: "everything that was written since 2026-01-01T00:00:00.000Z",
    });
    assert.equal(ask({ contract: broken }).action, "refuse");
  });

  const frozen = ["The application cannot write from now until the older release is recorded."];

  it("reverts first when the target cannot live with the schema and every down since was proven", () => {
    const since = [migration("Expand1", "SAFE", proven), migration("Rename2", "BREAKS", proven)];
    assert.deepEqual(ask({ contract: broken, since, holder, backup, restoreDatabase: true }), {
      action: "revert",
      migrations: ["Expand1", "Rename2"],
      undone: ["Expand1, Rename2 reverted first, by downs that were proven."],
      warnings: frozen,
    });
  });

  it("does not revert what no recorded image has, nor when one down of several was not proven", () => {
    const since = [migration("Rename2", "BREAKS", proven)];
    const lost = ask({ contract: broken, since });
    assert.ok(lost.action === "refuse" && lost.reasons.includes("No recorded release has all of these migrations."));
    const half = ask({ contract: broken, since: [migration("Expand1"), ...since], holder });
    assert.ok(half.action === "refuse" && half.reasons.includes("Expand1 has a down that was never proven."));
  });

  it("never takes a proven down for bringing back what was destroyed", () => {
    assert.equal(ask({ contract: broken, since: [migration("Drop2", "DESTROYS", proven)], holder }).action, "refuse");
  });

  it("restores a backup only when told to, and only where nothing less goes back", () => {
    const since = [migration("Drop2", "DESTROYS")];
    assert.equal(ask({ contract: broken, since, holder, backup }).action, "refuse");
    assert.equal(ask({ contract: broken, since, holder, restoreDatabase: true }).action, "refuse");
    assert.equal(ask({ since, holder, backup, restoreDatabase: true }).action, "applications-only");
    assert.deepEqual(ask({ contract: broken, since, holder, backup, restoreDatabase: true }), {
      action: "restore",
      backup: backup.id,
      undone: [
        `Backup ${backup.id} restored first: everything that was written since ${backup.takenAt} is lost, and kept only in the database that it replaces.`,
      ],
      warnings: frozen,
    });
  });

  it("takes the way back of a release that was frozen for and never verified, also where the target serves already", () => {
    for (const current of ["release-1", "release-2"]) {
      const decision = ask({ current: { id: current }, unverified: "release-2", contract: broken });
      assert.deepEqual(decision, {
        action: "way-back",
        undone: ["What the migrations of release-2 did is taken back where release-1 cannot live with it."],
        warnings: [],
      });
    }
  });

  it("moves the applications again when the target itself is what was frozen for and never verified", () => {
    assert.equal(ask({ current: { id: "release-1" }, unverified: "release-1" }).action, "applications-only");
  });
});
