import assert from "node:assert/strict";
import { lintForDatabase, lintImage } from "../../../../operations/migration/lint/lint.ts";
import type { DatabaseFacts, Found, ImageFacts } from "../../../../operations/migration/lint/rule.ts";

const migration = (name: string, statements: readonly string[] = [], changes: object = {}) => ({
  ...{ name, statements: [...statements], hasDown: true, transaction: true },
  ...changes,
});
const image = (migrations: ImageFacts["migrations"], changes: Partial<ImageFacts> = {}): ImageFacts => ({
  ...{ migrations, transactionMode: "all" },
  typeorm: { synchronize: false, dropSchema: false, migrationsRun: false },
  ...changes,
});
const told = (found: readonly Found[]) =>
  found.map(({ migration: name, finding: { rule, statement, forbidden } }) => [name, rule, statement, forbidden]);

describe("the lint of an image's migrations", () => {
  for (const sql of [
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    "DROP INDEX CONCURRENTLY i",
    "REINDEX INDEX CONCURRENTLY i",
    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
    "VACUUM t",
    "ALTER SYSTEM SET work_mem = '1MB'",
  ]) {
    const wanted = [["A1", "concurrently-in-transaction", 1, true]];
    it(`forbids ${sql} inside a transaction, and nowhere else`, async () => {
      assert.deepEqual(told(await lintImage(image([migration("A1", ["SELECT 1", sql])]))), wanted);
      assert.deepEqual(await lintImage(image([migration("A1", [sql], { transaction: false })])), []);
      assert.deepEqual(await lintImage(image([migration("A1", [sql])], { transactionMode: "none" })), []);
    });
  }

  for (const sql of [
    "CREATE INDEX i ON t (a)",
    "DROP INDEX i",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "ANALYZE t",
  ]) {
    it(`lets ${sql} run inside a transaction`, async () => {
      assert.deepEqual(await lintImage(image([migration("A1", [sql])])), []);
    });
  }

  const add = "ALTER TYPE mood ADD VALUE 'fine'";
  const use = "ALTER TABLE t ADD m mood DEFAULT 'fine'";
  const rule = "enum-value-in-its-transaction";
  const enumCases: readonly { what: string; facts: ImageFacts; wanted: unknown[] }[] = [
    { what: "in one migration", facts: image([migration("A1", [add, use])]), wanted: [["A1", rule, 1, true]] },
    {
      what: "in a later migration of the same transaction",
      facts: image([migration("A1", [add]), migration("B2", [use])]),
      wanted: [["B2", rule, 0, false]],
    },
    {
      what: "in a later migration with a transaction of its own",
      facts: image([migration("A1", [add]), migration("B2", [use])], { transactionMode: "each" }),
      wanted: [],
    },
    {
      what: "outside of transactions",
      facts: image([migration("A1", [add, use], { transaction: false })]),
      wanted: [],
    },
    {
      what: "of a type that the migration makes",
      facts: image([migration("A1", ["CREATE TYPE mood AS ENUM ('good')", add, use])]),
      wanted: [],
    },
    {
      what: "before it is added",
      facts: image([migration("A1", ["UPDATE t SET a = 'fine'", add])]),
      wanted: [],
    },
  ];
  for (const { what, facts, wanted } of enumCases) {
    it(`${wanted.length > 0 ? "finds" : "accepts"} the use of a new enum value ${what}`, async () => {
      assert.deepEqual(told(await lintImage(facts)), wanted);
    });
  }

  it("advises a down where there is none", async () => {
    const found = await lintImage(image([migration("A1", [], { hasDown: false })]));
    assert.deepEqual(told(found), [["A1", "down-missing", null, false]]);
    assert.equal(found[0]?.finding.class, "SAFE");
  });

  for (const option of ["synchronize", "dropSchema", "migrationsRun"] as const) {
    it(`forbids ${option}`, async () => {
      const typeorm = { synchronize: false, dropSchema: false, migrationsRun: false, [option]: true };
      assert.deepEqual(told(await lintImage(image([], { typeorm }))), [[null, "synchronize-leftover", null, true]]);
    });
  }

  it("leaves what PostgreSQL's grammar does not take to the classification", async () => {
    assert.deepEqual(await lintImage(image([migration("A1", ["this is no SQL"])])), []);
  });
});

describe("the lint beside a database", () => {
  const [first, second] = ["First1760000000000", "Second1760000001000"];
  const facts = (changes: Partial<DatabaseFacts>): DatabaseFacts => ({
    migrations: [
      { name: first, sha256: "a" },
      { name: second, sha256: "b" },
    ],
    history: [{ name: first, timestamp: 1_760_000_000_000 }],
    recorded: new Map([[first, new Set(["a"])]]),
    ...changes,
  });

  it("has nothing to say where all is as it should be", () => {
    assert.deepEqual(lintForDatabase(facts({})), []);
  });

  it("finds a pending migration that is older than one that ran", () => {
    const history = [{ name: second, timestamp: 1_760_000_001_000 }];
    const recorded = new Map([[second, new Set(["b"])]]);
    assert.deepEqual(told(lintForDatabase(facts({ history, recorded }))), [[first, "out-of-order", null, false]]);
  });

  it("finds history that neither this release nor the ledger has", () => {
    const history = [
      { name: first, timestamp: 1_760_000_000_000 },
      { name: "Theirs1759000000000", timestamp: 1_759_000_000_000 },
    ];
    assert.deepEqual(told(lintForDatabase(facts({ history }))), [[null, "history-unknown", null, true]]);
    const recorded = new Map([
      [first, new Set(["a"])],
      ["Theirs1759000000000", new Set(["c"])],
    ]);
    assert.deepEqual(lintForDatabase(facts({ history, recorded })), []);
  });

  it("finds a migration that ran as another one, and not one that has yet to run", () => {
    const recorded = new Map([
      [first, new Set(["an", "other"])],
      [second, new Set(["yet another"])],
    ]);
    assert.deepEqual(told(lintForDatabase(facts({ recorded }))), [[first, "edited-migration", null, false]]);
  });
});
