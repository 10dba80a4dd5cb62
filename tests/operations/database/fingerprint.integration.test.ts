import assert from "node:assert/strict";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import { readContents, readProtected } from "../../../operations/database/content.ts";
import { describeDifference, readFingerprint } from "../../../operations/database/fingerprint.ts";
import { integrityLosses, readIntegrity } from "../../../operations/database/integrity.ts";
import { environment, type Environment } from "./support/platform.ts";

describe("what is read of a database", () => {
  let place: Environment;
  const read = <T>(work: Parameters<typeof withConnection<T>>[2]) =>
    withConnection(databaseAccess(place.env, "DATABASE_URL"), { applicationName: "affexai-test" }, work);
  const fingerprint = () => read((client) => readFingerprint(client, "migrations"));

  beforeEach(async () => {
    place = await environment();
    await place.sql(
      "migrator",
      `CREATE TYPE mood AS ENUM ('good', 'bad');
       CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL, mood mood, data json);
       CREATE TABLE notes (id int PRIMARY KEY, owner int CONSTRAINT owner_fk REFERENCES users, text text DEFAULT 'none');
       INSERT INTO users (email, data) SELECT 'user' || n, '{}' FROM generate_series(1, 10) n;
       INSERT INTO notes SELECT n, n FROM generate_series(1, 5) n`,
    );
  });

  it("has the same fingerprint whatever the order of columns, the rows, and TypeORM's own tables", async () => {
    const before = await fingerprint();
    await place.sql(
      "migrator",
      `ALTER TABLE users DROP COLUMN email; ALTER TABLE users ADD email varchar(255) NOT NULL DEFAULT 'x'; ALTER TABLE users ALTER email DROP DEFAULT;
       CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint, name varchar); DELETE FROM notes`,
    );
    assert.equal((await fingerprint()).sha256, before.sha256);
  });

  it("has the same fingerprint whatever names PostgreSQL gives to what it makes below a foreign key to a partitioned table", async () => {
    await place.sql(
      "migrator",
      `CREATE TABLE years (id int PRIMARY KEY) PARTITION BY RANGE (id);
       CREATE TABLE early PARTITION OF years FOR VALUES FROM (MINVALUE) TO (2000);
       CREATE TABLE late PARTITION OF years DEFAULT;
       CREATE TABLE days (year int CONSTRAINT of_year REFERENCES years)`,
    );
    const before = await fingerprint();
    await place.sql("migrator", "ALTER TABLE days RENAME CONSTRAINT days_year_fkey TO of_early");
    assert.equal((await fingerprint()).sha256, before.sha256);
    await place.sql("migrator", "ALTER TABLE days RENAME CONSTRAINT of_year TO year_of");
    assert.notEqual((await fingerprint()).sha256, before.sha256);
  });

  for (const [what, statement, line] of [
    ["a column", "ALTER TABLE users ADD nickname text", /^\+ table public\.users column nickname = text$/],
    [
      "a type",
      "ALTER TABLE users ALTER email TYPE varchar(300)",
      /^- table public\.users column email = character varying\(255\) not null$/,
    ],
    ["a default", "ALTER TABLE notes ALTER text SET DEFAULT 'some'", /default 'none'::text/],
    ["an index", "CREATE INDEX notes_text ON notes (text)", /^\+ table public\.notes index CREATE INDEX notes_text/],
    [
      "a constraint",
      "ALTER TABLE notes DROP CONSTRAINT owner_fk",
      /^- table public\.notes constraint owner_fk = FOREIGN KEY/,
    ],
    [
      "an enum",
      "ALTER TYPE mood ADD VALUE 'fine' BEFORE 'bad'",
      /^\+ enum public\.mood = 'good', 'fine', 'bad'$|^- enum/,
    ],
    ["a view", "CREATE VIEW names AS SELECT email FROM users", /^\+ view public\.names/],
    ["a function", "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'", /^\+ routine public\.one\(\)/],
    [
      "a trigger",
      "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
      /^\+ table public\.notes trigger/,
    ],
    ["row security", "ALTER TABLE notes ENABLE ROW LEVEL SECURITY", /row security/],
    ["a schema", "CREATE SCHEMA audit", /^\+ schema audit$/],
  ] as const) {
    it(`has another fingerprint after a change of ${what}, and says which`, async () => {
      const before = await fingerprint();
      await place.sql(what === "a schema" ? "admin" : "migrator", statement);
      const after = await fingerprint();
      assert.notEqual(after.sha256, before.sha256);
      const difference = describeDifference(before.catalog, after.catalog);
      assert.ok(
        difference.some((one) => line.test(one)),
        difference.join("\n"),
      );
    });
  }

  it("has a content hash that sees one changed value, and neither the order of rows nor new columns", async () => {
    const users = [{ table: "users", columns: ["email", "id"] }];
    const before = await read((client) => readProtected(client, users));
    await place.sql(
      "migrator",
      "ALTER TABLE users ADD nickname text DEFAULT 'x'; CLUSTER users USING users_pkey; UPDATE users SET nickname = 'y'",
    );
    assert.deepEqual(await read((client) => readProtected(client, users)), before);
    await place.sql("app", "UPDATE users SET email = 'other' WHERE id = 7");
    assert.notDeepEqual(await read((client) => readProtected(client, users)), before);
  });

  it("tells swapped values and moved borders apart", async () => {
    await place.sql("migrator", "CREATE TABLE pairs (a text, b text); INSERT INTO pairs VALUES ('x', 'yz')");
    const hash = async () => (await read(readContents)).find(({ table }) => table === "public.pairs")?.hash;
    const first = await hash();
    await place.sql("app", "UPDATE pairs SET a = 'xy', b = 'z'");
    assert.notEqual(await hash(), first);
    await place.sql("app", "UPDATE pairs SET a = 'yz', b = 'x'");
    assert.notEqual(await hash(), first);
  });

  it("finds rows that break a foreign key behind PostgreSQL's back, and a sequence behind its column", async () => {
    const before = await read(readIntegrity);
    assert.deepEqual(before, {
      brokenForeignKeys: [],
      invalidIndexes: [],
      unvalidatedConstraints: [],
      laggingSequences: [],
    });
    await place.sql("admin", "SET session_replication_role = replica; DELETE FROM users WHERE id IN (1, 2)");
    await place.sql("migrator", "INSERT INTO users (id, email) OVERRIDING SYSTEM VALUE VALUES (99, 'far')");
    const after = await read(readIntegrity);
    assert.deepEqual(after.brokenForeignKeys, ["public.notes owner_fk: 2 rows"]);
    assert.deepEqual(after.laggingSequences, ["public.users_id_seq at 10, public.users.id at 99"]);
    assert.equal(integrityLosses(before, after).length, 2);
    assert.deepEqual(integrityLosses(after, after), []);
  });

  it("finds an index that a failed CONCURRENTLY left invalid", async () => {
    await place.sql("migrator", "INSERT INTO notes (id, owner) VALUES (6, 1)");
    const before = await fingerprint();
    await assert.rejects(place.sql("migrator", "CREATE UNIQUE INDEX CONCURRENTLY notes_owner ON notes (owner)"), {
      code: "23505",
    });
    assert.deepEqual((await read(readIntegrity)).invalidIndexes, ["public.notes_owner"]);
    assert.equal((await fingerprint()).sha256, before.sha256, "it is not part of the schema that a dump holds");
  });
});
