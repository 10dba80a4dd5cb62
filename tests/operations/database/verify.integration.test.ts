import assert from "node:assert/strict";
import { createBackup } from "../../../operations/backup/create.ts";
import { DatabaseVerifyResult, DatabaseVerifySpec } from "../../../operations/database/spec.ts";
import { verifyDatabase } from "../../../operations/database/verify.ts";
import { record } from "../../release-record.ts";
import { rejected } from "./support/migration.ts";
import { environment, type Environment } from "./support/platform.ts";

describe("verifying the live database", () => {
  let place: Environment;

  before(async () => {
    place = await environment();
    await place.sql(
      "migrator",
      `CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text);
       CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body text NOT NULL);
       CREATE TABLE migrations (id serial, timestamp bigint, name text);
       INSERT INTO users (email) SELECT 'user' || n FROM generate_series(1, 50) n;
       INSERT INTO pages SELECT n, n, 'page ' || n FROM generate_series(1, 20) n;
       INSERT INTO migrations (timestamp, name) VALUES (1, 'CreateUsers1700000000000')`,
    );
  });

  const verify = async (changes: object = {}, env: Record<string, string> = {}) => {
    const spec = DatabaseVerifySpec.parse({
      ledger: { bucket: place.bucket, environment: "test" },
      record: {
        ...record,
        contract: { users: { columns: { email: { type: "text", nullable: true, insertable: true } } } },
      },
      protectedTables: [{ table: "pages", columns: ["id", "body"] }],
      amcheck: false,
      ...changes,
    });
    const result = await verifyDatabase.run(spec, place.context({ env: { ...place.env, ...env } }));
    return DatabaseVerifyResult.parse(result);
  };
  const findings = (result: DatabaseVerifyResult) => result.findings.map(({ check, text }) => `${check}: ${text}`);

  it("calls a sound database sound, with its tables beside the newest backup's, and every page read", async () => {
    assert.deepEqual(findings(await verify()), ["backup: there is none of this database"]);
    const backup = await createBackup.run(
      { bucket: place.bucket, environment: "test", reason: "manual" },
      place.context(),
    );
    await place.sql("app", "INSERT INTO users (email) VALUES ('new'); DELETE FROM pages WHERE id > 100");
    const result = await verify({ amcheck: true });
    assert.deepEqual(findings(result), []);
    assert.equal(result.backup, backup.id);
    assert.deepEqual(result.tables, [
      { table: "public.migrations", rows: 1, backupRows: 1, protected: false },
      { table: "public.pages", rows: 20, backupRows: 20, protected: true },
      { table: "public.users", rows: 51, backupRows: 50, protected: false },
    ]);
    // amcheck leaves nothing behind: its extension in a dump could be restored by a superuser only.
    assert.deepEqual(await place.sql("admin", "SELECT extname FROM pg_extension WHERE extname = 'amcheck'"), []);
  });

  it("tells everything that is wrong, each under its check", async () => {
    await place.sql("migrator", "CREATE UNIQUE INDEX CONCURRENTLY pages_one ON pages ((1))").catch(() => undefined);
    await place.sql(
      "admin",
      `ALTER TABLE users DROP email;
       ALTER TABLE pages ADD CONSTRAINT pages_body CHECK (body <> '') NOT VALID;
       ALTER TABLE pages RENAME body TO content;
       INSERT INTO users (id) OVERRIDING SYSTEM VALUE VALUES (900);
       UPDATE migrations SET name = 'ByHand1760000009000';
       CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
       CREATE INDEX pages_twice ON pages (public.twice(id));
       CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3 * $1';
       SET session_replication_role = replica; DELETE FROM users WHERE id = 7; DELETE FROM pages WHERE id = 20`,
    );
    const result = await verify({ amcheck: true });
    assert.deepEqual(
      findings(result).map((text) => text.replace(/backup \S+ of \S+?(?=,)/, "the backup")),
      [
        "foreign keys: public.pages pages_owner_fkey: 1 rows point at nothing",
        "indexes: public.pages_one is invalid",
        "constraints: public.pages pages_body is not validated: old rows may break it",
        "sequences: public.users_id_seq at 51, public.users.id at 900: the next insert fails",
        "contract: column users.email does not exist.",
        "migrations: CreateUsers1700000000000 of release 2026.11.1 never ran",
        "migrations: ByHand1760000009000 ran, and no release of the ledger has it",
        "protected tables: public.pages.body does not exist",
        "migrations: CreateUsers1700000000000 had run at the backup, and is not in the history any more",
        "protected tables: public.pages had 20 rows in the backup, and has 19",
        'pages: public.pages_twice: heap tuple (0,1) from table "pages" lacks matching index tuple within index "pages_twice"',
      ],
    );
  });

  it("says when it could not look: no server, no storage, no administrator", async () => {
    await rejected(
      verify({}, { BACKUP_DATABASE_URL: `postgres://nobody:x@127.0.0.1:1/${place.name}` }),
      "unreachable",
      /BACKUP_DATABASE_URL/,
    );
    await rejected(verify({}, { AWS_ENDPOINT_URL: "http://127.0.0.1:1" }), "unreachable", /bucket/);
    await rejected(
      verify({ amcheck: true }, { ADMIN_DATABASE_URL: place.env.DATABASE_URL ?? "" }),
      "refused",
      /is not a superuser/,
    );
  });
});
