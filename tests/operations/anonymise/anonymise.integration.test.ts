import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { anonymise } from "../../../operations/anonymise/anonymise.ts";
import { keySettings } from "../../../operations/anonymise/mask-database.ts";
import { AnonymiseSpec } from "../../../operations/anonymise/spec.ts";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { createBackupBucket } from "../database/support/bucket.ts";
import { rejected } from "../database/support/migration.ts";
import { environment, services, type Environment } from "../database/support/platform.ts";

const key = "a-key-of-the-tests-that-is-long-enough";
const schema = `
  CREATE TYPE plan AS ENUM ('free', 'paid');
  CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(255) NOT NULL UNIQUE, name text, phone text UNIQUE,
    born date, address inet, plan plan NOT NULL DEFAULT 'free', salary int, profile jsonb NOT NULL DEFAULT '{}', secret text,
    shout text GENERATED ALWAYS AS (upper(name)) STORED, changed timestamptz NOT NULL DEFAULT '2026-01-01');
  CREATE TABLE invoices (id int PRIMARY KEY, email varchar(255) NOT NULL REFERENCES users (email), note text NOT NULL);
  CREATE TABLE logs (id int PRIMARY KEY, line text NOT NULL);
  CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed = now(); RETURN NEW; END $$;
  CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
  INSERT INTO migrations (timestamp, name) VALUES (1760000000000, 'Initial1760000000000');
  INSERT INTO users (email, name, phone, born, address, salary, profile, secret)
    SELECT 'person' || n || '@customer.example', 'Person ' || n, '+49 170 555' || lpad(n::text, 4, '0'), date '1980-01-01' + n,
      ('10.1.' || n / 250 || '.' || n % 250)::inet, 1000 + n,
      jsonb_build_object('theme', 'dark', 'tags', jsonb_build_array(jsonb_build_object('id', n, 'who', 'x')), 'home', 'Street ' || n), 's' || n
      FROM generate_series(1, 300) n;
  INSERT INTO invoices SELECT n, 'person' || 1 + n % 300 || '@customer.example', 'thank you' FROM generate_series(1, 400) n;
  INSERT INTO logs VALUES (1, 'person1@customer.example signed in')`;
const users = {
  ...{ email: "mask:email", name: "mask:name", phone: "mask:phone", born: "mask:date-shift", address: "mask:ip" },
  ...{ salary: "mask:number", profile: { keep: ["theme", "tags[].id"] }, secret: null, plan: "keep", changed: "keep" },
};
const tables = { users, invoices: { email: "mask:email", note: "keep" }, logs: "truncate" };

describe("an anonymised copy of the data", () => {
  let place: Environment;
  let staging: string;

  beforeEach(async () => {
    place = await environment();
    staging = `staging-${place.name}`;
    await createBackupBucket(place.env, staging);
    await place.sql("migrator", schema);
  });

  const from = () => ({ bucket: place.bucket, environment: "test" });
  const to = () => ({ bucket: staging, environment: "staging" });
  const backup = () => createBackup.run({ ...from(), reason: "manual" }, place.context());
  const context = (changes: Record<string, string> = {}) =>
    place.context({ env: { ...place.env, ANONYMISE_KEY: key, ...changes } });
  const specOf = (rules: object = {}) =>
    AnonymiseSpec.parse({ from: from(), to: to(), rules: { version: 1, tables, ...rules } });
  const exported = async () =>
    (await objectStorage(place.env).send(new ListObjectsV2Command({ Bucket: staging }))).KeyCount;
  const scratches = async () =>
    place.sql("admin", "SELECT datname::text FROM pg_database WHERE datname LIKE $1", [`${place.name}_anonymise_%`]);
  const contents = () =>
    place.sql("migrator", "SELECT md5(string_agg(u::text, ',' ORDER BY u.id)) AS hash FROM users u");

  it("has every row and key, and nobody in it; the live database stays as it is, and the copy can be restored", async () => {
    const before = await contents();
    const original = await backup();
    // Another database, of another name and with other roles.
    const other = await environment();
    const target = { bucket: other.bucket, environment: "staging" };
    const made = await anonymise.run({ ...specOf(), to: target }, context());
    assert.deepEqual(
      { ...made, id: "", seconds: 0 },
      { id: "", from: original.id, rows: 701, tables: 4, maskedColumns: 9, truncatedTables: ["logs"], seconds: 0 },
    );
    assert.deepEqual(await contents(), before);
    assert.deepEqual(await scratches(), []);
    const store = backupStore(target, context());
    const manifest = await store.find(made.id);
    assert.deepEqual(manifest.anonymisedFrom, { environment: "test", id: original.id });
    const live = await place.sql<{ id: string; email: string; born: Date; salary: number }>(
      "migrator",
      "SELECT id, email, born, salary FROM users ORDER BY id",
    );
    // It is no backup of that environment, so it has to be asked for.
    assert.deepEqual(await store.manifests(), []);
    await rejected(store.find(undefined), "refused", /there is none/);
    await restoreBackup.run({ ...target, id: made.id, dryRun: false, app: other.roles.app }, other.context());
    await belongsTo(other);
    const copy = await other.sql<Record<string, unknown>>(
      "migrator",
      "SELECT *, host(address) AS host FROM users ORDER BY id",
    );
    assert.equal(copy.length, 300);
    for (const [index, row] of copy.entries()) {
      const was = live[index];
      assert.ok(was);
      assert.equal(row["id"], was.id);
      // The same as everybody else's HMAC, so that other tools find the same person.
      const mask = createHmac("sha256", key).update(`email:${was.email}`).digest("hex").slice(0, 20);
      assert.equal(row["email"], `user_${mask}@example.invalid`);
      assert.match(String(row["name"]), /^[A-Z][a-z]+ [A-Z][a-z]+ [0-9a-f]{16}$/);
      assert.equal(row["shout"], String(row["name"]).toUpperCase());
      assert.match(String(row["phone"]), /^\+999\d{12}$/);
      assert.match(String(row["host"]), /^2001:db8:/);
      assert.notEqual(row["salary"], was.salary);
      const days = Math.abs(Number(row["born"]) - Number(was.born)) / 86_400_000;
      assert.ok(days > 0.9 && days < 181, String(days));
      assert.equal(row["secret"], null);
      assert.match(JSON.stringify(row["profile"]), /^\{"tags":\[\{"id":\d+\}\],"theme":"dark"\}$/);
    }
    const [joined] = await other.sql<{ rows: number; touched: number }>(
      "migrator",
      `SELECT (SELECT count(*)::int FROM invoices JOIN users USING (email)) AS rows,
              (SELECT count(*)::int FROM users WHERE changed <> '2026-01-01') AS touched`,
    );
    assert.deepEqual(joined, { rows: 400, touched: 0 });
    await other.sql("migrator", "UPDATE users SET salary = 1");
    assert.deepEqual(await other.sql("migrator", "SELECT count(*)::int AS n FROM users WHERE changed > '2026-01-01'"), [
      { n: 300 },
    ]);
  });

  /** Its migrator owns everything, its application may write, also what will be made, and nobody else's roles may do anything. */
  async function belongsTo(site: Environment): Promise<void> {
    const owners = "SELECT DISTINCT tableowner::text AS owner FROM pg_tables WHERE schemaname = 'public'";
    assert.deepEqual(await site.sql("admin", owners), [{ owner: site.roles.migrator }]);
    const grants = `SELECT DISTINCT grantee::regrole::text AS role FROM pg_class, aclexplode(relacl)
                     WHERE relnamespace = 'public'::regnamespace AND grantee <> relowner`;
    assert.deepEqual(await site.sql("admin", grants), [{ role: site.roles.app }]);
    await site.sql("app", "INSERT INTO logs VALUES (2, 'written here')");
    await site.sql("migrator", "CREATE TABLE later (id serial PRIMARY KEY)");
    await site.sql("app", "INSERT INTO later DEFAULT VALUES");
    assert.equal(site.name.startsWith(place.name), false);
  }

  it("is not made while a column has no rule: all of them are listed, each with a proposal", async () => {
    await place.sql(
      "migrator",
      "ALTER TABLE users ADD nickname text, ADD avatar bytea; CREATE TABLE extra (mobile text)",
    );
    await backup();
    await rejected(
      anonymise.run(specOf(), context()),
      "refused",
      /- extra\.mobile \(text\) has no rule: propose mask:phone\n- users\.nickname \(text\) has no rule: propose mask:text\n- users\.avatar \(bytea\) has no rule: propose null/,
    );
    assert.equal(await exported(), 0);
    assert.deepEqual(await scratches(), []);
  });

  it("is not made while something personal stands in what is kept, which is named without its values", async () => {
    await place.sql(
      "migrator",
      `UPDATE invoices SET note = 'person7@customer.example' WHERE id = 1;
       UPDATE invoices SET note = 'pay to DE89 3704 0044 0532 0130 00 or call +49 170 5550007, info@shop.example' WHERE id = 2`,
    );
    await backup();
    await assert.rejects(anonymise.run(specOf({ published: ["info@shop.example"] }), context()), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /invoices\.note has 1 rows with an original value of invoices\.email/);
      assert.match(error.message, /invoices\.note still has e-mail addresses in 1 rows/);
      assert.match(error.message, /invoices\.note still has telephone numbers in 1 rows/);
      assert.match(error.message, /invoices\.note still has IBANs in 1 rows/);
      assert.doesNotMatch(error.message, /person7|3704|5550007/);
      return true;
    });
    assert.equal(await exported(), 0);
    assert.deepEqual(await scratches(), []);
  });

  it("is refused without a key, with a short one, and into where the backup comes from", async () => {
    await backup();
    await rejected(anonymise.run(specOf(), context({ ANONYMISE_KEY: "" })), "usage", /ANONYMISE_KEY: is not set/);
    await rejected(anonymise.run(specOf(), context({ ANONYMISE_KEY: "short-1" })), "usage", /fewer than 32 characters/);
    await rejected(anonymise.run({ ...specOf(), to: from() }, context()), "refused", /is where the backup comes from/);
  });

  it("leaves no more than a scratch database after kill -9, which the next run drops; the key is in no log", async () => {
    await backup();
    await place.sql("admin", "ALTER SYSTEM SET log_statement = 'all'");
    await place.sql("admin", "SELECT pg_reload_conf()");
    const child = await execa(process.execPath, [join(import.meta.dirname, "anonymise-child.ts")], {
      input: JSON.stringify({ spec: specOf(), killAt: "mask users" }),
      env: { ...place.env, ANONYMISE_KEY: key },
      extendEnv: false,
      reject: false,
      all: true,
    });
    assert.equal(child.signal, "SIGKILL", child.all);
    assert.equal((await scratches()).length, 1);
    assert.equal(await exported(), 0);
    await anonymise.run(specOf(), context());
    await place.sql("admin", "ALTER SYSTEM RESET log_statement");
    await place.sql("admin", "SELECT pg_reload_conf()");
    assert.deepEqual(await scratches(), []);
    assert.equal(await exported(), 3);
    const log = await readFile(join((await services()).dir, "postgres/postgres.log"), "utf8");
    assert.match(log, /UPDATE public\.users SET/);
    for (const secret of [key, ...Object.values(keySettings(key))]) assert.ok(!`${log}${child.all}`.includes(secret));
  });
});
