import assert from "node:assert/strict";
import type pg from "pg";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withLock } from "../../../operations/database/lock.ts";
import { applyMigrations } from "../../../operations/migration/apply-migrations.ts";
import { waitFor } from "../../../operations/wait.ts";
import { application, type TestApplication, type TestMigration } from "../database/support/application.ts";
import { rejected } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";

describe("applying migrations", () => {
  let place: Environment;
  const clients: pg.Client[] = [];
  const connect = async (as: "admin" | "app") => {
    const client = await place.connect(as);
    clients.push(client);
    return client;
  };

  before(async () => {
    place = await environment();
  });

  beforeEach(async () => {
    place.notes.length = 0;
    await place.sql(
      "migrator",
      `DROP SCHEMA public CASCADE; CREATE SCHEMA public;
       CREATE TABLE users (id int PRIMARY KEY, email text); CREATE TABLE pages (id int);
       INSERT INTO users SELECT n, 'user' || n % 10 FROM generate_series(1, 20) n; INSERT INTO pages VALUES (1)`,
    );
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });

  const apply = async (
    migrations: readonly Partial<TestMigration>[],
    { limits = {}, ...options }: Partial<TestApplication> & { limits?: object } = {},
  ) => {
    const named = migrations.map((one, index) => ({ name: `Step${index + 1}176000000${index}000`, up: [], ...one }));
    const app = await application({ migrations: named, ...options });
    const { migrations: expected } = await app.record(place.context());
    const access = databaseAccess(place.env, "DATABASE_URL");
    return withLock(access, (run) =>
      applyMigrations(
        {
          ...{ source: app.source, access, runId: run.id, historyTable: "migrations", expected },
          ...{ lockTimeoutMs: 2000, statementTimeoutMs: 10_000, timeoutMs: 60_000, ...limits },
          ...{ protectedTables: [], allowedDeletes: {} },
          retries: { codes: ["55P03", "40P01", "40001"], attempts: 3, firstPauseMs: 20 },
        },
        { client: run.client, run: app.script, context: place.context() },
        (name) => named.find((one) => one.name === name)?.transaction !== false,
      ),
    );
  };
  const indexes = async () =>
    place.sql<{ name: string; valid: boolean }>(
      "admin",
      `SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index
        WHERE indrelid = 'users'::regclass AND NOT indisprimary ORDER BY 1`,
    );
  const applied = async () => (await place.sql("admin", "SELECT name FROM migrations")).length;
  /** Waits until the query gives a row. */
  const seen = (client: pg.Client, what: string, sql: string) =>
    waitFor(
      {
        ...{ what, timeoutMs: 20_000, intervalMs: 20, next: "Read the test." },
        look: async () =>
          (await client.query(sql)).rowCount === 0 ? { done: false, seen: "not yet" } : { done: true, value: null },
      },
      place.context(),
    );
  const ofMigration = "application_name ~ '^affexai-[0-9a-f]{12}$' AND datname = current_database()";

  for (const typeorm of ["typeorm", "typeorm-0.3"] as const) {
    it(`tries a whole transaction again after a deadlock (${typeorm})`, async () => {
      const other = await connect("admin");
      await other.query(
        "SET deadlock_timeout = '1min'; SET application_name = 'import'; BEGIN; LOCK TABLE pages IN SHARE MODE",
      );
      const running = apply([{ up: ["LOCK TABLE users", "LOCK TABLE pages", "ALTER TABLE pages ADD title text"] }], {
        typeorm,
        limits: { lockTimeoutMs: 5000 },
      });
      const watcher = await connect("admin");
      await seen(
        watcher,
        "the migration's lock of users",
        "SELECT 1 FROM pg_locks WHERE relation = 'users'::regclass AND mode = 'AccessExclusiveLock' AND granted",
      );
      await other.query("LOCK TABLE users IN SHARE MODE");
      await other.query("COMMIT");
      assert.deepEqual(await running, []);
      assert.match(
        place.notes.join("\n"),
        /deadlock detected\. \(SQLSTATE 40P01\) Blocked by postgres \(import, pid \d+\), .*, its transaction is \d+ s old: .* Trying again in 0\.02 s/,
      );
      assert.equal(await applied(), 1);
    });

    it(`tries an index build outside a transaction again, without the invalid index that it left (${typeorm})`, async () => {
      const blocker = await connect("app");
      await blocker.query("SET application_name = 'a-report'; BEGIN; UPDATE users SET email = 'x' WHERE id = 1");
      const sql = "CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (email)";
      // A limit that the migration sets itself is not lifted.
      const running = apply([{ up: ["SET lock_timeout = '300ms'", sql], transaction: false }], { typeorm });
      const watcher = await connect("admin");
      await seen(
        watcher,
        "the removal of the invalid index",
        `SELECT 1 FROM pg_stat_activity WHERE ${ofMigration} AND query LIKE 'DROP INDEX CONCURRENTLY%'`,
      );
      await blocker.query("ROLLBACK");
      await running;
      assert.match(place.notes.join("\n"), /dropped public\.users_email, which an unfinished build left invalid/);
      assert.match(
        place.notes.join("\n"),
        /lock timeout\. Blocked by \w+ \(a-report, pid \d+\), idle in transaction.*Trying again in 0\.02 s: CREATE INDEX/,
      );
      assert.deepEqual(await indexes(), [{ name: "users_email", valid: true }]);
      assert.equal(await applied(), 1);
    });

    it(`says which entities the schema does not fit (${typeorm})`, async () => {
      const columns = `id: { type: "int", primary: true }, email: { type: "text", nullable: true }, nickname: { type: "text" }`;
      const entities = `[new EntitySchema({ name: "User", tableName: "users", columns: { ${columns} } })]`;
      assert.deepEqual(await apply([], { typeorm, entities }), ['ALTER TABLE "users" ADD "nickname" text NOT NULL']);
    });
  }

  it("leaves no invalid index behind when a build fails for good, and says what helps", async () => {
    const sql = "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email)";
    await rejected(
      apply([{ up: [sql], transaction: false }]),
      "failed",
      /could not create unique index "users_email".*\(SQLSTATE 23505\) Rows exist that are equal in these columns/,
    );
    assert.deepEqual(await indexes(), []);
  });

  it("builds an index that a killed run left invalid, which IF NOT EXISTS would take for the index", async () => {
    await place.sql("migrator", "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email)").catch(() => undefined);
    assert.deepEqual(await indexes(), [{ name: "users_email", valid: false }]);
    await apply([{ up: ["CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (email)"], transaction: false }]);
    assert.deepEqual(await indexes(), [{ name: "users_email", valid: true }]);
  });

  it("lets an index build wait for an old transaction, and a validation run, longer than the session's limits", async () => {
    const blocker = await connect("app");
    await blocker.query("BEGIN; UPDATE users SET email = 'x' WHERE id = 1");
    const running = apply(
      [
        { up: ["CREATE INDEX CONCURRENTLY users_email ON users (email)"], transaction: false },
        {
          up: [
            "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(0.05) IS NOT NULL'",
            "ALTER TABLE users ADD CONSTRAINT users_slow CHECK (slow(id)) NOT VALID",
            "ALTER TABLE users VALIDATE CONSTRAINT users_slow",
          ],
        },
      ],
      { limits: { lockTimeoutMs: 300, statementTimeoutMs: 600 } },
    );
    const watcher = await connect("admin");
    await seen(
      watcher,
      "an index build that waits longer than its limits",
      `SELECT 1 FROM pg_stat_activity WHERE ${ofMigration} AND query LIKE 'CREATE INDEX%' AND clock_timestamp() - query_start > '0.7 s'`,
    );
    await blocker.query("COMMIT");
    await running;
    assert.deepEqual(await indexes(), [{ name: "users_email", valid: true }]);
  });

  it("still holds every other statement to the session's limit", async () => {
    await rejected(
      apply([{ up: ["ALTER TABLE users ADD nickname text", "SELECT pg_sleep(5)"] }], {
        limits: { lockTimeoutMs: 300, statementTimeoutMs: 400 },
      }),
      "failed",
      /statement timeout.*\(SQLSTATE 57014\) Split the statement/,
    );
  });

  it("names who was in the way when it gives up, after the whole transactions that it tried", async () => {
    const blocker = await connect("app");
    await blocker.query("SET application_name = 'a-report'; BEGIN");
    await blocker.query("SELECT count(*) FROM users WHERE email <> 'secret'");
    await rejected(
      apply([{ up: ["ALTER TABLE users ADD nickname text"] }], { limits: { lockTimeoutMs: 300 } }),
      "failed",
      /lock timeout\. Blocked by \w+_app \(a-report, pid \d+\), idle in transaction, its transaction is \d+ s old: SELECT count\(\*\) FROM users WHERE email <> '…'\. It was tried 3 times\. \(SQLSTATE 55P03\)/,
      /Run again when these sessions have ended/,
    );
    assert.equal(place.notes.filter((note) => note.includes("Trying again")).length, 2);
  });

  it("says what to do about an enum value that is used in the transaction that adds it", async () => {
    await place.sql("migrator", "CREATE TYPE mood AS ENUM ('good'); ALTER TABLE users ADD mood mood");
    const [add, use] = ["ALTER TYPE mood ADD VALUE 'bad'", "UPDATE users SET mood = 'bad'"];
    await rejected(
      apply([{ up: [add] }, { up: [use] }]),
      "failed",
      /Step21760000001000: unsafe use of new value "bad".*\(SQLSTATE 55P04\).*in a migration of its own with `transaction = false`/,
    );
    await apply([{ up: [add], transaction: false }, { up: [use] }]);
    assert.equal(await applied(), 2);
  });

  it("says what to do about a NOT NULL column on a table with rows, and about CONCURRENTLY in a transaction", async () => {
    await rejected(
      apply([{ up: ["ALTER TABLE users ADD nickname text NOT NULL"] }]),
      "failed",
      /column "nickname" of relation "users" contains null values.*Rows exist already: add the column with a default/,
    );
    await rejected(
      apply([{ up: ["CREATE INDEX CONCURRENTLY users_email ON users (email)"] }]),
      "failed",
      /cannot run inside a transaction block.*with `transaction = false`/,
    );
  });
});
