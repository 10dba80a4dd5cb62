import assert from "node:assert/strict";
import { planMigration, type PlanFacts } from "../../../operations/migration/plan.ts";
import { OperationError } from "../../../operations/error.ts";
import type { MigrationClass, MigrationFinding, ReleaseRecord } from "../../../operations/release/spec.ts";

const image = `registry.example/affexai/backend@sha256:${"a".repeat(64)}`;
const because = (kind: MigrationClass): MigrationFinding => ({
  ...{
    rule: "some-rule",
    class: kind,
    statement: null,
    message: "because.",
    remedy: "Do otherwise.",
    forbidden: false,
  },
});
const record = (names: readonly string[], kind: MigrationClass = "SAFE", maintenance = false): ReleaseRecord => ({
  version: 1,
  id: "release-2",
  gitSha: "0".repeat(40),
  createdAt: "2026-01-01T00:00:00.000Z",
  images: { backend: image, frontend: image },
  migrations: names.map((name) => ({
    ...{ name, sha256: "0".repeat(64), statements: [], hasDown: true, downProven: false, transaction: true },
    rehearsal: null,
    expects: { deletes: {}, updates: {}, remains: [] },
    ...{ class: kind, findings: kind === "SAFE" ? [] : [because(kind)] },
  })),
  contract: {},
  typeorm: { synchronize: false, dropSchema: false, migrationsRun: false },
  maintenance,
});
const plan = (changes: Partial<PlanFacts>) => {
  const { outcome, pending, newer } = planMigration({
    record: record(["A1"]),
    history: [],
    explained: new Set(),
    running: { id: "release-1" },
    holdsData: true,
    ...changes,
  });
  return { outcome, pending: pending.map(({ name }) => name), newer };
};
const refused = (changes: Partial<PlanFacts>, pattern: RegExp) =>
  assert.throws(
    () => plan(changes),
    (error) => error instanceof OperationError && error.kind === "refused" && pattern.test(error.message),
  );

describe("the plan of a migration", () => {
  it("runs what is pending, in order", () => {
    assert.deepEqual(plan({ record: record(["A1", "B2", "C3"]), history: ["A1"] }), {
      outcome: "migrated",
      pending: ["B2", "C3"],
      newer: [],
    });
  });

  it("has nothing to run on a database that has everything", () => {
    assert.deepEqual(plan({ history: ["A1"] }), { outcome: "up-to-date", pending: [], newer: [] });
  });

  it("runs nothing on a newer database that the ledger explains", () => {
    assert.deepEqual(plan({ history: ["A1", "B2"], explained: new Set(["B2"]) }), {
      outcome: "ahead",
      pending: [],
      newer: ["B2"],
    });
  });

  it("is refused for history that nothing explains", () => {
    refused({ history: ["A1", "X9"] }, /release-2 nor any other release of the ledger has: X9/);
  });

  it("is refused for a database that went another way", () => {
    refused(
      { record: record(["A1", "C3"]), history: ["A1", "B2"], explained: new Set(["B2"]) },
      /newer than release release-2 \(B2\) and older \(C3\)/,
    );
  });

  for (const kind of ["BREAKS", "DESTROYS"] as const) {
    it(`is refused for a pending migration that ${kind}, while a release serves`, () => {
      refused({ record: record(["A1"], kind) }, /release release-1, which serves meanwhile.*A1: \w+: because/s);
    });

    it(`is refused for one that ${kind} in the first release for a database that holds data`, () => {
      const first = { running: null, holdsData: true };
      refused(
        { record: record(["A1"], kind), ...first },
        /what wrote the data that it holds cannot live with.*A1: \w+: because/s,
      );
      assert.equal(plan({ record: record(["A1"], kind, true), ...first }).outcome, "migrated");
    });

    it(`runs one that ${kind} when maintenance is declared, or nothing serves and is held yet, or it ran already`, () => {
      assert.equal(plan({ record: record(["A1"], kind, true) }).outcome, "migrated");
      assert.equal(plan({ record: record(["A1"], kind), running: null, holdsData: false }).outcome, "migrated");
      assert.equal(plan({ record: record(["A1"], kind), history: ["A1"] }).outcome, "up-to-date");
    });
  }

  it("runs one that is WARN", () => {
    assert.equal(plan({ record: record(["A1"], "WARN") }).outcome, "migrated");
  });

  const opaque = (backup: string | null, maintenance = false) => {
    const made = record(["A1"], "OPAQUE", maintenance);
    const rehearsal = { backup, ms: 12, statements: [] };
    return { ...made, migrations: made.migrations.map((migration) => ({ ...migration, rehearsal })) };
  };

  it("is refused for a pending migration that is OPAQUE and was never rehearsed, while a release serves or data is held", () => {
    refused(
      { record: record(["A1"], "OPAQUE"), holdsData: false },
      /not known, and they were never rehearsed:.*A1: OPAQUE: because\. Do otherwise.*`affexai release create`/s,
    );
    refused({ record: record(["A1"], "OPAQUE", true) }, /REHEARSAL_DATABASE_URL.*release create --stack NAME/);
    refused({ record: record(["A1"], "OPAQUE"), running: null }, /do to data is not known/);
  });

  it("is refused for one that is OPAQUE and was rehearsed on tables without rows, where data is held", () => {
    refused({ record: opaque(null) }, /do to data is not known, and they were never rehearsed on a backup/);
    refused({ record: opaque(null, true) }, /never rehearsed on a backup/);
    assert.equal(plan({ record: opaque(null), holdsData: false }).outcome, "migrated");
  });

  it("runs one that is OPAQUE when it was rehearsed, or nothing serves and is held yet, or it ran already", () => {
    assert.equal(plan({ record: opaque("2026-01-01") }).outcome, "migrated");
    assert.equal(plan({ record: record(["A1"], "OPAQUE"), running: null, holdsData: false }).outcome, "migrated");
    assert.equal(plan({ record: record(["A1"], "OPAQUE"), history: ["A1"] }).outcome, "up-to-date");
  });

  it("is refused for a pending migration that would fail, under maintenance and on a new database too", () => {
    const safe = record(["A1"], "SAFE", true);
    const forbidden = { ...because("WARN"), rule: "concurrently-in-transaction", forbidden: true };
    const migrations = safe.migrations.map((migration) => ({ ...migration, findings: [forbidden] }));
    refused({ record: { ...safe, migrations } }, /must not run:.*A1: WARN: because\. Do otherwise\./s);
    refused({ record: { ...safe, migrations }, running: null, holdsData: false }, /must not run/);
    assert.equal(plan({ record: { ...safe, migrations }, history: ["A1"] }).outcome, "up-to-date");
  });
});
