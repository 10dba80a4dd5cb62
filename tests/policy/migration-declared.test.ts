import assert from "node:assert/strict";
import type { MigrationClass, MigrationFinding, MigrationRecord } from "../../operations/release/spec.ts";
import { migrationDeclared } from "../../policy/migration-declared.ts";
import { record } from "../release-record.ts";
import { migration, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

const [made] = record.migrations;
const previous = { release: "2026.10.4", migrations: [made.name] };
const finding = (kind: MigrationClass, forbidden = false): MigrationFinding => ({
  ...{ rule: "some-rule", class: kind, statement: null, forbidden },
  ...{ message: "Because.", remedy: "Do otherwise." },
});
const second = (kind: MigrationClass, changes: Partial<MigrationRecord> = {}): MigrationRecord => ({
  ...{ ...made, name: "Second1700000001000", class: kind, findings: [finding(kind)] },
  ...changes,
});
const rehearsal = (backup: string | null) => ({ backup, ms: 1, statements: [] });
interface Case {
  readonly previous?: unknown;
  readonly maintenance?: boolean;
}
const refusals = (changed: MigrationRecord, { previous: before = previous, maintenance = false }: Case = {}) => {
  const declared = { ...record, maintenance, migrations: [made, changed] };
  return violations(migrationDeclared, withProperty(withProperty(migration, "record", declared), "previous", before));
};

describe("migration-declared", () => {
  it("allows what older code can live with and keeps the data", async () => {
    for (const kind of ["SAFE", "WARN"] as const) {
      assert.deepEqual(await refusals(second(kind)), []);
      assert.deepEqual(await refusals(second(kind), { previous: null }), []);
    }
  });

  for (const kind of ["BREAKS", "DESTROYS"] as const) {
    it(`refuses a pending migration that ${kind}, unless the release declares maintenance`, async () => {
      const expected = [
        `migration: Second1700000001000 needs \`maintenance: true\` in the release: ${kind}: Because. Do otherwise.`,
      ];
      assert.deepEqual(await refusals(second(kind)), expected);
      assert.deepEqual(await refusals(second(kind), { previous: null }), expected);
      assert.deepEqual(await refusals(second(kind), { maintenance: true }), []);
      assert.deepEqual(await refusals(second(kind), { maintenance: true, previous: null }), []);
    });

    it(`asks nothing of one that ${kind} and that the release before has`, async () => {
      const both = { ...previous, migrations: [...previous.migrations, "Second1700000001000"] };
      assert.deepEqual(await refusals(second(kind), { previous: both }), []);
    });
  }

  it("refuses one that is OPAQUE and was not rehearsed on a backup, under maintenance too", async () => {
    const expected = ["migration: Second1700000001000 must be rehearsed on a backup: OPAQUE: Because. Do otherwise."];
    assert.deepEqual(await refusals(second("OPAQUE")), expected);
    assert.deepEqual(await refusals(second("OPAQUE"), { maintenance: true }), expected);
    assert.deepEqual(await refusals(second("OPAQUE", { rehearsal: rehearsal(null) })), expected);
    assert.deepEqual(await refusals(second("OPAQUE", { rehearsal: rehearsal("20260101T000000Z-000000") })), []);
  });

  it("refuses one that is OPAQUE in a first release, unless it was rehearsed on what can be had before it", async () => {
    assert.deepEqual(await refusals(second("OPAQUE"), { previous: null }), [
      "migration: Second1700000001000 must be rehearsed: OPAQUE: Because. Do otherwise.",
    ]);
    assert.deepEqual(await refusals(second("OPAQUE", { rehearsal: rehearsal(null) }), { previous: null }), []);
  });

  it("refuses what would fail, whatever is declared; a forbidden loss is found and undone under maintenance", async () => {
    const failing = second("WARN", { findings: [finding("WARN", true)] });
    assert.deepEqual(await refusals(failing, { maintenance: true }), [
      "migration: Second1700000001000 must not run: WARN: Because. Do otherwise.",
    ]);
    const losing = second("DESTROYS", { findings: [finding("DESTROYS", true)] });
    assert.deepEqual(await refusals(losing, { maintenance: true }), []);
    assert.equal((await refusals(losing)).length, 1);
  });

  for (const [path, expected] of [
    ["record", "record must say what its migrations do, and whether it declares maintenance."],
    ["record.migrations", "record must say what its migrations do, and whether it declares maintenance."],
    ["record.maintenance", "record must say what its migrations do, and whether it declares maintenance."],
    ["previous", "previous must name the release before with its migrations, or be null."],
  ] as const) {
    it(`refuses a migration without ${path}, and one that a preview cannot know`, async () => {
      assert.deepEqual(await violations(migrationDeclared, withProperty(migration, path, undefined)), [
        `migration: ${expected}`,
      ]);
      const [message] = await violations(migrationDeclared, withProperty(migration, path, unknown));
      assert.match(message ?? "", /can't be known during preview.*cannot be judged is refused/);
    });
  }

  it("refuses a release before of which only the name is known", async () => {
    assert.deepEqual(await refusals(second("SAFE"), { previous: { release: "2026.10.4" } }), [
      "migration: previous must name the release before with its migrations, or be null.",
    ]);
  });
});
