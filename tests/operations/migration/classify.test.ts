import assert from "node:assert/strict";
import { classifyMigrations, type RecordedMigration } from "../../../operations/migration/classify.ts";
import type { MigrationClass } from "../../../operations/release/spec.ts";

const recorded = (statements: readonly string[], changes: Partial<RecordedMigration> = {}): RecordedMigration => ({
  name: "Some1760000000000",
  sha256: "0".repeat(64),
  statements: [...statements],
  incomplete: null,
  hasDown: true,
  transaction: true,
  expects: { deletes: {}, updates: {}, remains: [] },
  ...changes,
});
const classify = async (...statements: string[]) => {
  const [migration] = await classifyMigrations([recorded(statements)]);
  assert.ok(migration);
  return migration;
};

const table: Record<MigrationClass, readonly (string | string[])[]> = {
  SAFE: [
    "CREATE TABLE t (id int NOT NULL)",
    "ALTER TABLE t ADD COLUMN a text",
    "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0",
    "ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD COLUMN a serial NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1",
    "ALTER TABLE t VALIDATE CONSTRAINT c",
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    "CREATE TYPE mood AS ENUM ('good')",
    "CREATE VIEW v AS SELECT 1 AS one",
    "COMMENT ON TABLE t IS 'x'",
    "INSERT INTO t (a) VALUES (1)",
    "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING",
    "GRANT SELECT ON t TO reader",
    "CREATE EXTENSION IF NOT EXISTS pgcrypto",
    "SELECT 1",
    "SELECT count(*), pg_catalog.lower(max(a)) FROM t",
    "SELECT setval(pg_get_serial_sequence('t', 'id'), 5)",
    "INSERT INTO t (id, a) SELECT gen_random_uuid(), upper(b) FROM s",
    "CREATE TABLE s AS SELECT jsonb_agg(a) FROM t",
    "EXPLAIN DELETE FROM t",
    "EXPLAIN ANALYZE SELECT 1",
    "COPY t TO '/tmp/t'",
    // A table that the migration made itself is nobody's yet.
    ["CREATE TABLE t (a int)", "ALTER TABLE t DROP COLUMN a", "DELETE FROM t", "DROP TABLE t"],
    ["CREATE TABLE t (a int)", "CREATE UNIQUE INDEX i ON t (a)", "ALTER TABLE t ADD UNIQUE (a)", "UPDATE t SET a = 1"],
    ["ALTER TABLE t ADD a int DEFAULT 0", "ALTER TABLE t ALTER a SET NOT NULL"],
    ["CREATE TABLE s (a int)", "ALTER TABLE s RENAME TO t", "ALTER TABLE t ADD b int NOT NULL"],
  ],
  WARN: [
    "CREATE INDEX i ON t (a)",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)",
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
    "ALTER TABLE t ALTER COLUMN a DROP DEFAULT",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
    "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES s (id)",
    "ALTER TABLE t ADD COLUMN a int UNIQUE",
    "ALTER TABLE t ADD COLUMN a int REFERENCES s (id)",
    "ALTER TABLE t ADD COLUMN a uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE t DROP CONSTRAINT c",
    "ALTER TABLE t ALTER COLUMN a TYPE bigint",
    "ALTER TABLE t ALTER COLUMN a TYPE text",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TYPE mood ADD VALUE 'fine'",
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE OR REPLACE VIEW v AS SELECT 1 AS one",
    "DROP INDEX i",
    ["ALTER TABLE t ADD a text", "UPDATE t SET a = b"],
  ],
  OPAQUE: [
    "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$",
    "CALL clean_up()",
    "SELECT do_something()",
    "SELECT public.lower('A')",
    "INSERT INTO t (a) SELECT do_something()",
    "INSERT INTO t (a) VALUES (lower(do_something('A')))",
    "CREATE TABLE s AS SELECT do_something()",
    "CREATE TABLE s AS EXECUTE prepared",
    "CREATE MATERIALIZED VIEW v AS SELECT do_something()",
    "EXPLAIN ANALYZE SELECT do_something()",
    "COPY t FROM '/tmp/t'",
    "COPY t TO PROGRAM 'cat'",
    "COPY (SELECT do_something()) TO STDOUT",
    "ALTER TABLE t ADD COLUMN a int DEFAULT do_something()",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (do_something(a))",
    ["ALTER TABLE t ADD a text", "UPDATE t SET a = do_something()"],
    "EXECUTE prepared",
    "this is no SQL",
  ],
  BREAKS: [
    "ALTER TABLE t RENAME COLUMN a TO b",
    "ALTER TABLE t RENAME TO s",
    "ALTER TABLE t SET SCHEMA archive",
    "ALTER TABLE t ADD COLUMN a int NOT NULL",
    "ALTER TABLE t ALTER COLUMN a TYPE varchar(20)",
    "ALTER TABLE t ALTER COLUMN a DROP IDENTITY",
    "ALTER TYPE mood RENAME VALUE 'good' TO 'great'",
    "DROP VIEW v",
    "DROP TYPE mood",
    "DROP FUNCTION f()",
    "DROP SEQUENCE s",
    "REVOKE SELECT ON t FROM app",
    ["ALTER TABLE t ADD a int", "ALTER TABLE t ALTER a SET NOT NULL"],
  ],
  DESTROYS: [
    "ALTER TABLE t DROP COLUMN a",
    "DROP TABLE t",
    "DROP SCHEMA s CASCADE",
    "DROP MATERIALIZED VIEW v",
    "TRUNCATE t",
    "DELETE FROM t WHERE id = 1",
    "UPDATE t SET a = 1 WHERE id = 1",
    "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO s SELECT * FROM gone",
    "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2",
    "WITH gone AS (DELETE FROM t RETURNING *) SELECT do_something() FROM gone",
    ["CREATE TABLE t (a int)", "WITH gone AS (DELETE FROM s RETURNING a) UPDATE t SET a = gone.a FROM gone"],
    "CREATE TABLE s AS WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "EXPLAIN (ANALYZE, VERBOSE) DELETE FROM t",
    "COPY (DELETE FROM t RETURNING *) TO STDOUT",
    "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "ALTER TABLE t ALTER COLUMN a TYPE int USING length(a)",
    "DROP OWNED BY somebody",
  ],
};

describe("the class of a migration", () => {
  for (const [wanted, cases] of Object.entries(table)) {
    for (const statements of cases) {
      it(`is ${wanted} for ${[statements].flat().join("; ")}`, async () => {
        const { class: found, findings } = await classify(...[statements].flat());
        assert.equal(found, wanted, JSON.stringify(findings));
        assert.equal(findings.length > 0, wanted !== "SAFE");
      });
    }
  }

  it("is that of the worst statement, and every finding is told once", async () => {
    const { class: found, findings } = await classify("CREATE INDEX i ON t (a)", "DROP TABLE t", "DROP TABLE t");
    assert.equal(found, "DESTROYS");
    assert.deepEqual(findings, [
      {
        ...{ rule: "index-blocks-writes", class: "WARN", statement: 0, forbidden: false },
        message: "Building an index on t blocks its writes; use CONCURRENTLY for a large table.",
        remedy: "Use CREATE INDEX CONCURRENTLY in a migration with `transaction = false`, unless the table is small.",
      },
      {
        ...{ rule: "drop-table", class: "DESTROYS", statement: 1, forbidden: false },
        message: "The table t is dropped with what is in it.",
        remedy: "Stop using it in this release and drop it in a later one, under maintenance.",
      },
    ]);
  });

  it("names a column that is dropped and added again, which empties it", async () => {
    const { class: found, findings } = await classify(
      "ALTER TABLE t DROP COLUMN a",
      "ALTER TABLE t ADD a varchar(400)",
    );
    assert.equal(found, "DESTROYS");
    const wiped = findings.find(({ rule }) => rule === "column-wiped");
    assert.match(wiped?.message ?? "", /t\.a is dropped and added again, which empties it/);
    assert.equal(wiped?.forbidden, true);
  });

  it("is DESTROYS when it cannot be read, and declares that it changes what is there", async () => {
    const expects = { deletes: { sessions: 5 }, updates: { users: ["email"] }, remains: [] };
    const [hidden, plain] = await classifyMigrations([
      recorded(["DO $$ BEGIN UPDATE users SET email = ''; END $$"], { expects }),
      recorded(["INSERT INTO t (a) VALUES (1)"], { expects }),
    ]);
    assert.equal(hidden?.class, "DESTROYS");
    assert.equal(hidden.findings.at(-1)?.message, "It declares that it changes what sessions, users hold.");
    assert.equal(plain?.class, "SAFE");
  });

  it("is at best OPAQUE when not all statements are known", async () => {
    const [migration] = await classifyMigrations([recorded([], { incomplete: "it reads data" })]);
    assert.equal(migration?.class, "OPAQUE");
    assert.ok(migration !== undefined && !("incomplete" in migration));
  });

  it("judges each migration on its own: a table of an earlier one may be in use", async () => {
    const [, second] = await classifyMigrations([recorded(["CREATE TABLE t (a int)"]), recorded(["DROP TABLE t"])]);
    assert.equal(second?.class, "DESTROYS");
  });

  it("reads several statements in one piece, and tables outside of public", async () => {
    const { findings } = await classify("CREATE TABLE s (a int); DROP TABLE public.t; DROP TABLE audit.t");
    assert.deepEqual(
      findings.map(({ message }) => message),
      ["The table t is dropped with what is in it.", "The table audit.t is dropped with what is in it."],
    );
  });
});
