import assert from "node:assert/strict";
import { databaseAccess } from "../../../operations/database/access.ts";
import { losses, type Allowance } from "../../../operations/database/losses.ts";
import { isSame, likeState, readState, type State } from "../../../operations/database/state.ts";
import { environment, type Environment } from "./support/platform.ts";

/** A migration's statements, what is then lost under a freeze, and what without one. */
const cases: readonly {
  readonly what: string;
  readonly sql: string;
  readonly allowed?: Partial<Allowance>;
  readonly frozen: readonly string[];
  readonly unfrozen?: readonly string[];
}[] = [
  { what: "nothing", sql: "SELECT 1", frozen: [] },
  {
    what: "a column that is added and filled, and rows that are added",
    sql: "ALTER TABLE users ADD nickname text; UPDATE pages SET body = body; INSERT INTO plans VALUES (7, 'seven')",
    frozen: [],
  },
  {
    what: "a row of the CMS that is deleted",
    sql: "DELETE FROM pages WHERE id = 3",
    frozen: ["the protected content of public.pages changed", "public.pages had 20 rows and has 19"],
  },
  {
    what: "a row of the CMS that is deleted, and declared: protected tables keep every row all the same",
    sql: "DELETE FROM pages WHERE id = 3",
    allowed: { deletes: { "public.pages": 1 } },
    frozen: ["the protected content of public.pages changed"],
  },
  {
    what: "a column of the CMS that is emptied",
    sql: "UPDATE pages SET body = ''",
    frozen: ["the protected content of public.pages changed", "the content of public.pages.body changed"],
  },
  {
    what: "a protected column that is dropped",
    sql: "ALTER TABLE pages DROP body",
    frozen: ["the protected public.pages.body is gone"],
    unfrozen: ["the protected public.pages.body is gone"],
  },
  {
    what: "a column that is dropped and added again",
    sql: "ALTER TABLE users DROP email; ALTER TABLE users ADD email varchar(300)",
    frozen: ["the content of public.users.email changed"],
  },
  {
    what: "a column that is dropped and added again while rows are added",
    sql: "ALTER TABLE plans DROP label; ALTER TABLE plans ADD label text; INSERT INTO plans VALUES (6, 'six')",
    frozen: ["public.plans.label was dropped and added again"],
  },
  {
    what: "values that were exchanged between rows",
    sql: "UPDATE users SET email = 'user' || 51 - id",
    frozen: ["the content of public.users.email changed"],
  },
  {
    what: "values that were changed, and declared",
    sql: "UPDATE users SET email = lower(email) || '.example'",
    allowed: { updates: { "public.users": ["email"] } },
    frozen: [],
  },
  {
    what: "one column declared and another one changed too",
    sql: "UPDATE users SET email = 'x', settings = '{}'",
    allowed: { updates: { "public.users": ["email"] } },
    frozen: ["the content of public.users.settings changed"],
  },
  {
    what: "a column that is wider, and one that is cut",
    sql: "ALTER TABLE users ALTER email TYPE text; ALTER TABLE plans ALTER id TYPE bigint, ALTER label TYPE varchar(2) USING left(label, 2)",
    frozen: ["the content of public.plans.label changed"],
  },
  {
    what: "a table and a column that are renamed",
    sql: "ALTER TABLE users RENAME email TO mail; ALTER TABLE plans RENAME TO tariffs",
    frozen: [],
  },
  {
    what: "a table that is renamed and emptied",
    sql: "ALTER TABLE plans RENAME TO tariffs; UPDATE tariffs SET label = NULL",
    frozen: ["the content of public.plans.label changed"],
  },
  {
    what: "a table that is dropped",
    sql: "DROP TABLE plans",
    frozen: ["public.plans had 5 rows, and the table is gone"],
  },
  {
    what: "a table that is dropped, and declared",
    sql: "DROP TABLE plans",
    allowed: { deletes: { "public.plans": 5 } },
    frozen: [],
  },
  {
    what: "rows that are replaced by as many others",
    sql: "DELETE FROM plans WHERE id < 3; INSERT INTO plans VALUES (8, 'eight'), (9, 'nine'), (10, 'ten')",
    frozen: ["2 rows of public.plans were changed or deleted, and 0 may be"],
  },
  {
    what: "rows that are replaced by others, and declared",
    sql: "DELETE FROM plans WHERE id < 3; INSERT INTO plans VALUES (8, 'eight'), (9, 'nine'), (10, 'ten')",
    allowed: { deletes: { "public.plans": 2 } },
    frozen: [],
  },
  {
    what: "a foreign key that is broken behind PostgreSQL's back",
    sql: "SET session_replication_role = replica; DELETE FROM users WHERE id = 7",
    allowed: { deletes: { "public.users": 1 } },
    frozen: ["foreign key public.pages pages_owner_fkey: 1 rows point at nothing"],
    unfrozen: ["foreign key public.pages pages_owner_fkey: 1 rows point at nothing"],
  },
  {
    what: "a constraint that is left unvalidated",
    sql: "ALTER TABLE users ADD CONSTRAINT users_email CHECK (email <> 'user1') NOT VALID",
    frozen: ["constraint public.users users_email is not validated: old rows may break it"],
    unfrozen: ["constraint public.users users_email is not validated: old rows may break it"],
  },
  {
    what: "a sequence behind its column",
    sql: "INSERT INTO users (id, email) OVERRIDING SYSTEM VALUE VALUES (900, 'new')",
    frozen: ["sequence public.users_id_seq at 50, public.users.id at 900: the next insert fails"],
    unfrozen: ["sequence public.users_id_seq at 50, public.users.id at 900: the next insert fails"],
  },
];

describe("what a migration lost", () => {
  let place: Environment;
  const protectedTables = [{ table: "pages", columns: ["id", "body"] }];

  before(async () => {
    place = await environment();
  });

  beforeEach(async () => {
    await place.sql(
      "migrator",
      `DROP SCHEMA public CASCADE; CREATE SCHEMA public;
       CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255), settings json);
       CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body text NOT NULL);
       CREATE TABLE plans (id int, label text);
       INSERT INTO users (email, settings) SELECT 'user' || n, '{"n": 1}' FROM generate_series(1, 50) n;
       INSERT INTO pages SELECT n, n, 'page ' || n FROM generate_series(1, 20) n;
       INSERT INTO plans SELECT n, 'plan ' || n FROM generate_series(1, 5) n`,
    );
  });

  const access = () => databaseAccess(place.env, "DATABASE_URL");
  const read = () =>
    readState(access(), "affexai-test", { historyTable: "migrations", protectedTables, contents: "all" });
  const again = (state: State) => readState(access(), "affexai-test", likeState(state));

  for (const { what, sql, allowed, frozen, unfrozen = [] } of cases) {
    it(`tells of ${what}`, async () => {
      const allowance = { deletes: {}, updates: {}, ...allowed };
      const state = await read();
      await place.sql("admin", sql);
      const now = await again(state);
      assert.deepEqual(losses(state, now, true, allowance), frozen);
      assert.deepEqual(losses(state, now, false, allowance), unfrozen);
    });
  }

  it("calls a database the same that was changed and changed back, and none where a value differs", async () => {
    const state = await read();
    await place.sql("admin", "ALTER TABLE plans ADD a int; UPDATE plans SET a = 1; ALTER TABLE plans DROP a");
    assert.equal(isSame(state, await again(state), true), true);
    await place.sql("admin", "UPDATE plans SET label = 'x' WHERE id = 1");
    assert.equal(isSame(state, await again(state), true), false);
    assert.equal(isSame(state, await again(state), false), true);
  });

  it("says when a table lost the key that told its rows apart", async () => {
    const state = await read();
    await place.sql(
      "admin",
      "ALTER TABLE users ADD other uuid DEFAULT gen_random_uuid(); ALTER TABLE users DROP id CASCADE",
    );
    assert.deepEqual(losses(state, await again(state), true, { deletes: {}, updates: {} }), [
      "the content of public.users.email, public.users.settings cannot be compared: its key (id) is gone",
    ]);
  });
});
