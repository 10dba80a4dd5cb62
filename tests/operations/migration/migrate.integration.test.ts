import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { application, type TestApplication, type TestMigration } from "../database/support/application.ts";
import { migrate, outcomes, rejected, verified } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: [
    "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL)",
    "CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body text NOT NULL)",
    "INSERT INTO users (email) SELECT 'user' || n FROM generate_series(1, 50) n",
    "INSERT INTO pages SELECT n, n, 'page ' || n FROM generate_series(1, 20) n",
  ],
  down: ["DROP TABLE pages", "DROP TABLE users"],
};
const users = `new EntitySchema({ name: "User", tableName: "users", columns: {
  id: { type: "int", primary: true, generated: "identity", generatedIdentity: "ALWAYS" }, email: { type: "varchar", length: 255 } } })`;
const entities = `[${users}]`;
const pages = [{ table: "pages", columns: ["id", "body"] }];

describe("the guarded migration", () => {
  let place: Environment;

  beforeEach(async () => {
    place = await environment();
  });

  /** Release 1 serves: its tables are there, and its attempt is verified. */
  const serving = async (more: Partial<TestApplication> = {}) => {
    const app = await application({ migrations: [create], entities, ...more });
    const record = await app.record(place.context());
    const result = await migrate(place, app, record);
    await verified(place);
    return { app, record, result };
  };
  const next = async (
    migration: TestMigration | TestMigration[],
    changes: object = {},
    more: Partial<TestApplication> = {},
  ) => {
    const app = await application({ migrations: [create, migration].flat(), entities, ...more });
    return { app, record: await app.record(place.context(), { id: "release-2", ...changes }) };
  };
  const counts = async () => {
    const [row] = await place.sql<{ users: number; pages: number }>(
      "app",
      "SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM pages) AS pages",
    );
    return row;
  };
  const columns = async () =>
    (
      await place.sql<{ name: string }>(
        "admin",
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped",
      )
    ).map(({ name }) => name);
  const databases = async () =>
    (
      await place.sql<{ datname: string }>(
        "admin",
        "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1",
        [`${place.name}%`],
      )
    ).map(({ datname }) => datname);
  const writable = () => place.sql("app", "INSERT INTO users (email) VALUES ('written')");

  for (const typeorm of ["typeorm", "typeorm-0.3"] as const) {
    it(`migrates, with a backup behind it (${typeorm})`, async () => {
      const { result, record: record1 } = await serving({ typeorm });
      assert.equal(result.outcome, "migrated");
      assert.deepEqual(result.applied, ["Create1760000000000"]);
      assert.equal(result.previousReleaseRuns, null);
      assert.equal(result.attempt, "000001");
      const { Contents = [] } = await objectStorage(place.env).send(
        new ListObjectsV2Command({ Bucket: place.bucket, Prefix: `backups/test/pre-migration/${result.backup}/` }),
      );
      assert.equal(Contents.length, 3);
      const { app, record } = await next(
        { name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
        {},
        { typeorm },
      );
      const second = await migrate(place, app, record);
      assert.deepEqual([second.outcome, second.previousReleaseRuns], ["migrated", true]);
      assert.notEqual(second.fingerprint, result.fingerprint);
      const store = backupStore({ bucket: place.bucket, environment: "test" }, place.context());
      const [before, behind] = [await store.find(result.backup), await store.find(second.backup)];
      assert.deepEqual([before.release, before.behind], [null, "release-1"]);
      assert.deepEqual([behind.release?.id, behind.release?.image], ["release-1", record1.images.backend]);
      assert.equal(behind.behind, "release-2");
      assert.deepEqual(await outcomes(place), ["done", "done"]);
      await writable();
    });
  }

  it("runs nothing again, and accepts the backup that is young enough", async () => {
    const { app, record, result } = await serving();
    const again = await migrate(place, app, record);
    assert.deepEqual([again.outcome, again.applied, again.backup], ["up-to-date", [], result.backup]);
    const strict = await migrate(place, app, record, { backupMaxAgeSeconds: 0.001 });
    assert.notEqual(strict.backup, result.backup);
  });

  it("leaves a newer database as it is for an older release that can live with it", async () => {
    const { app, record } = await serving();
    const newer = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    await migrate(place, newer.app, newer.record);
    const back = await migrate(place, app, record);
    assert.deepEqual([back.outcome, back.applied], ["ahead", []]);
  });

  it("refuses an older release that cannot live with the newer database", async () => {
    const { app, record } = await serving();
    const newer = await next(
      { name: "Contract1760000001000", up: ["ALTER TABLE users RENAME email TO mail"] },
      { maintenance: true },
      { entities: entities.replaceAll("email", "mail") },
    );
    const { previousReleaseRuns } = await migrate(place, newer.app, newer.record);
    assert.equal(previousReleaseRuns, false);
    await verified(place);
    await rejected(migrate(place, app, record), "refused", /column users\.email does not exist/);
  });

  it("refuses history that no release of the ledger explains", async () => {
    const { app, record } = await serving();
    await place.sql("migrator", "INSERT INTO migrations (timestamp, name) VALUES (1, 'ByHand1760000009000')");
    await rejected(migrate(place, app, record), "refused", /ByHand1760000009000/);
  });

  it("refuses migrations that the running release cannot live with, unless maintenance is declared", async () => {
    await serving();
    const drop = { name: "Drop1760000001000", up: ["ALTER TABLE pages DROP COLUMN body"] };
    const careless = await next(drop);
    await rejected(
      migrate(place, careless.app, careless.record),
      "refused",
      /Drop1760000001000: DESTROYS: pages\.body is dropped/,
    );
    assert.equal(
      (await new Ledger(objectStorage(place.env), { bucket: place.bucket, environment: "test" }).newest())?.id,
      "000001",
    );
    const declared = await next(drop, { maintenance: true });
    const result = await migrate(place, declared.app, declared.record);
    assert.equal(result.outcome, "migrated");
    await verified(place);
    await writable();
  });

  it("refuses a first release that takes from a database what somebody else has put there", async () => {
    await place.sql("migrator", "CREATE TABLE users (id int PRIMARY KEY, email text)");
    const drop = { name: "Drop1759000000000", up: ["DROP TABLE users"] };
    const app = await application({ migrations: [drop, create], entities });
    const record = await app.record(place.context());
    await place.sql("migrator", "INSERT INTO users VALUES (1, 'somebody')");
    await rejected(
      migrate(place, app, record),
      "refused",
      /what wrote the data that it holds.*Drop1759000000000: DESTROYS/s,
    );
    assert.deepEqual(await place.sql("migrator", "SELECT email FROM users"), [{ email: "somebody" }]);
    await place.sql("migrator", "DELETE FROM users");
    assert.equal((await migrate(place, app, record)).outcome, "migrated");
  });

  it("refuses an application that connects as superuser, and everything else that is wrong, at once", async () => {
    const { app, record } = await serving();
    await place.sql("admin", `ALTER ROLE ${place.roles.app} SUPERUSER; ALTER ROLE ${place.roles.migrator} NOCREATEDB`);
    await rejected(
      migrate(place, app, record, { lockTimeoutSeconds: 60 }),
      "refused",
      /a superuser, who may change the schema/,
      /may not create a database to restore into/,
      /lockTimeoutSeconds is longer/,
    );
  });

  it("refuses an image that is not the one the record was made from", async () => {
    const { record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    const { app } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD other text"] });
    await rejected(
      migrate(place, app, record),
      "failed",
      /Expand1760000001000 is another one in the image/,
      /nothing to undo/,
    );
    assert.deepEqual(await outcomes(place), ["nothing-to-undo"]);
  });

  it("has nothing to undo when the transaction was rolled back", async () => {
    await serving();
    const { app, record } = await next([
      { name: "Good1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
      { name: "Bad1760000002000", up: ["ALTER TABLE users ADD more text", "SELECT 1/0"] },
    ]);
    await rejected(
      migrate(place, app, record),
      "failed",
      /migration Bad1760000002000: division by zero\. \(SQLSTATE 22012\) It was rolled back/,
    );
    assert.deepEqual(await columns(), ["id", "email"]);
    assert.deepEqual(await databases(), [place.name, `${place.name}_ops`]);
    assert.deepEqual(await outcomes(place), ["done", "nothing-to-undo"]);
    await writable();
  });

  it("stops a migration that would delete rows, before it commits", async () => {
    await serving();
    const clean = { name: "Clean1760000001000", up: ["DO $$ BEGIN DELETE FROM pages WHERE id > 5; END $$"] };
    const { app, record } = await next(clean);
    await rejected(
      migrate(place, app, record),
      "failed",
      /15 rows of public\.pages would be deleted, and 0 may be/,
      /nothing to undo/,
    );
    assert.deepEqual(await counts(), { users: 50, pages: 20 });
    const meant = { ...clean, expects: { deletes: { pages: 15 } } };
    const undeclared = await next(meant, { id: "release-3" });
    await rejected(
      migrate(place, undeclared.app, undeclared.record),
      "refused",
      /Clean1760000001000: DESTROYS: It declares that it changes what pages holds/,
    );
    const declared = await next(meant, { id: "release-4", maintenance: true });
    assert.equal((await migrate(place, declared.app, declared.record)).outcome, "migrated");
  });

  it("stops a migration that would empty a table, before it commits", async () => {
    await serving();
    const { app, record } = await next({ name: "Empty1760000001000", up: ["DO $$ BEGIN TRUNCATE pages; END $$"] });
    await rejected(migrate(place, app, record), "failed", /public\.pages would be emptied/);
    assert.deepEqual(await counts(), { users: 50, pages: 20 });
  });

  it("stops a migration that would change protected content, before it commits", async () => {
    await serving();
    const { app, record } = await next({
      name: "Rewrite1760000001000",
      up: ["DO $$ BEGIN UPDATE pages SET body = upper(body); END $$"],
    });
    await rejected(
      migrate(place, app, record, { protectedTables: pages }),
      "failed",
      /the protected content of public\.pages would change/,
    );
    assert.deepEqual(await place.sql("app", "SELECT body FROM pages WHERE id = 1"), [{ body: "page 1" }]);
  });

  it("lets a migration extend a protected table while the application writes to others", async () => {
    await serving();
    const { app, record } = await next({
      name: "Extend1760000001000",
      up: ["ALTER TABLE pages ADD title text", "UPDATE pages SET title = 'title of ' || body"],
    });
    assert.equal((await migrate(place, app, record, { protectedTables: pages })).outcome, "migrated");
  });

  it("restores what a committed half of a release left, when writes were frozen", async () => {
    await serving();
    const { app, record } = await next(
      [
        {
          name: "First1760000001000",
          up: ["ALTER TABLE users ADD nickname text", "DELETE FROM pages WHERE id > 10"],
          expects: { deletes: { pages: 10 } },
        },
        { name: "Second1760000002000", up: ["SELECT 1/0"] },
      ],
      { maintenance: true },
      { options: 'migrationsTransactionMode: "each",' },
    );
    await rejected(
      migrate(place, app, record),
      "failed",
      /division by zero/,
      /restored from backup \S+, row for row/,
      /nothing was lost/,
    );
    assert.deepEqual(await counts(), { users: 50, pages: 20 });
    assert.deepEqual(await columns(), ["id", "email"]);
    assert.equal((await databases()).length, 3);
    assert.deepEqual(await outcomes(place), ["done", "restored"]);
    await writable();
  });

  it("restores protected content that a migration without a transaction destroyed, when writes were frozen", async () => {
    await serving();
    const { app, record } = await next(
      { name: "Wipe1760000001000", up: ["UPDATE pages SET body = ''"], transaction: false },
      { maintenance: true },
    );
    await rejected(
      migrate(place, app, record, { protectedTables: pages }),
      "failed",
      /the protected content of public\.pages changed/,
      /restored from backup/,
    );
    assert.deepEqual(await place.sql("app", "SELECT body FROM pages WHERE id = 1"), [{ body: "page 1" }]);
    await writable();
  });

  it("finds rows missing that a migration deleted outside a transaction, where nobody could read it, while users write", async () => {
    await serving();
    const hidden = (what: string) => ({
      ...{ name: "Hidden1760000001000", up: [`DO $$ BEGIN ${what}; END $$`], transaction: false },
    });
    const each = { options: 'migrationsTransactionMode: "each",' };
    const { app, record } = await next(hidden("DELETE FROM pages WHERE id = 7"), {}, each);
    await rejected(
      migrate(place, app, record, { protectedTables: pages }),
      "stopped",
      /the protected public\.pages had 20 rows and has 19/,
    );
  });

  it("stops with the database safe when a half was committed and users may have written", async () => {
    await serving();
    const { app, record } = await next(
      [
        { name: "First1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
        { name: "Second1760000002000", up: ["SELECT 1/0"] },
      ],
      {},
      { options: 'migrationsTransactionMode: "each",' },
    );
    await rejected(
      migrate(place, app, record),
      "stopped",
      /Committed: First1760000001000; the release that serves can live with it/,
      /affexai backup restore \d{8}T/,
    );
    assert.ok(place.notes.includes("+ table public.users column nickname = text"));
    assert.deepEqual(await columns(), ["id", "email", "nickname"]);
    assert.deepEqual(await outcomes(place), ["done", "stopped"]);
    await writable();
  });

  it("fails when the schema afterwards is not what the release's code expects", async () => {
    await serving();
    const { app, record } = await next(
      { name: "Forgot1760000001000", up: ["ALTER TABLE users ADD nick text"] },
      {},
      { entities: entities.replace("email:", 'nickname: { type: "text", nullable: true }, email:') },
    );
    await rejected(
      migrate(place, app, record),
      "stopped",
      /TypeORM would run ALTER TABLE "users" RENAME COLUMN "nick" TO "nickname"/,
    );
  });

  it("refuses to begin when rows already break a foreign key, because no backup of them can be restored", async () => {
    await serving();
    await place.sql("admin", "SET session_replication_role = replica; DELETE FROM users WHERE id = 3");
    const { app, record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    await rejected(
      migrate(place, app, record),
      "refused",
      /could not be restored: foreign keys .*public\.pages pages_owner_fkey: 1 rows/,
    );
    assert.deepEqual(await columns(), ["id", "email"]);
  });

  it("refuses to begin in maintenance when the backup that was taken turns out not to be restorable", async () => {
    await serving();
    await place.sql(
      "migrator",
      `CREATE TABLE bounds AS SELECT 1000 AS highest;
       CREATE FUNCTION fits(n int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN n <= (SELECT highest FROM bounds); END';
       ALTER TABLE users ADD CONSTRAINT fits CHECK (fits(id))`,
    );
    const { app, record } = await next(
      { name: "Drop1760000001000", up: ["ALTER TABLE users DROP email"] },
      { maintenance: true },
      { entities: entities.replace(/email: \{[^}]*\}/, "") },
    );
    const said =
      /backup \S+: was taken and cannot be restored, .*relation "bounds" does not exist.* nothing was migrated/s;
    await rejected(migrate(place, app, record), "refused", said);
    await writable();
    assert.deepEqual(await columns(), ["id", "email"]);
    assert.deepEqual((await outcomes(place)).at(-1), "refused");
    const beside = "SELECT FROM pg_database WHERE datname LIKE $1";
    assert.deepEqual(await place.sql("admin", beside, [`${place.name}_restore_%`]), []);
  });

  it("refuses maintenance while somebody else is connected who could write", async () => {
    await serving();
    const other = await place.connect("admin");
    const { app, record } = await next(
      { name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
      { maintenance: true },
    );
    await rejected(migrate(place, app, record), "refused", /others could write during maintenance: postgres/);
    await other.end();
    await writable();
    assert.equal((await migrate(place, app, record)).outcome, "migrated");
  });

  it("freezes the application's writes from before the backup until its release is recorded", async () => {
    await serving();
    const pooled = await place.connect("app");
    const { app, record } = await next(
      { name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
      { maintenance: true },
    );
    const seen: string[] = [];
    await migrate(
      place,
      {
        ...app,
        script: async (run) => {
          await assert.rejects(writable(), { code: "25006" });
          assert.deepEqual(await counts(), { users: 50, pages: 20 });
          seen.push("frozen");
          await app.script(run);
        },
      },
      record,
    );
    assert.deepEqual(seen, ["frozen"]);
    await assert.rejects(pooled.query("SELECT 1"));
    await assert.rejects(writable(), { code: "25006" });
    await verified(place);
    await writable();
    assert.deepEqual(await outcomes(place), ["done", "done"]);
  });

  it("tries again when a lock is in the way, and names who holds it", async () => {
    await serving();
    const blocker = await place.connect("app");
    await blocker.query("SET application_name = 'a-slow-report'");
    await blocker.query("BEGIN");
    await blocker.query("SELECT count(*) FROM users");
    const { app, record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    let tries = 0;
    const script: typeof app.script = async (run) => {
      tries += 1;
      if (tries === 3) await blocker.query("COMMIT");
      await app.script(run);
    };
    const result = await migrate(place, { ...app, script }, record, { lockTimeoutSeconds: 0.5 });
    await blocker.end();
    assert.equal(result.outcome, "migrated");
    assert.equal(tries, 3);
    assert.match(place.notes.join("\n"), /Blocked by \w+_app \(a-slow-report, pid \d+\), idle in transaction/);
  });

  it("refuses a second runner, naming the first", async () => {
    await serving();
    const { app, record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    const seen: string[] = [];
    await migrate(
      place,
      {
        ...app,
        script: async (run) => {
          await rejected(
            migrate(place, app, record),
            "refused",
            /is being changed by run [0-9a-f]{12} from 127\.0\.0\.1/,
          );
          seen.push("refused");
          await app.script(run);
        },
      },
      record,
    );
    assert.deepEqual(seen, ["refused"]);
  });

  it("does nothing in a process whose run has ended", async () => {
    await serving();
    const { app, record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    await migrate(
      place,
      {
        ...app,
        script: async (run) => {
          const job = JSON.parse(run.env.AFFEXAI_JOB ?? "") as Record<string, unknown>;
          const lines: string[] = [];
          const orphan = app.script({
            ...run,
            env: { ...run.env, AFFEXAI_JOB: JSON.stringify({ ...job, lockName: "affexai-lock-of-a-dead-run" }) },
            onLine: (line) => void lines.push(line),
          });
          await assert.rejects(orphan);
          assert.match(lines.join("\n"), /the run that started this has ended/);
          assert.deepEqual(await columns(), ["id", "email"]);
          await app.script(run);
        },
      },
      record,
    );
    assert.deepEqual(await columns(), ["id", "email", "nickname"]);
  });

  it("commits nothing once its lock is lost", async () => {
    await serving();
    const holder = `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'affexai-lock-%' AND datname = current_database() || '_ops'`;
    const { app, record } = await next({
      name: "Expand1760000001000",
      up: [
        "ALTER TABLE users ADD nickname text",
        `SELECT pg_terminate_backend(pid) FROM (${holder}) holder`,
        `DO $$ BEGIN WHILE EXISTS (${holder}) LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END $$`,
      ],
    });
    await rejected(migrate(place, app, record), "failed", /the run that started this has ended/, /nothing to undo/);
    assert.deepEqual(await columns(), ["id", "email"]);
  });

  it("that loses the server half-way says that it does not know, and the next run finds out", async () => {
    await serving();
    const { app, record } = await next(
      { name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
      { maintenance: true },
    );
    const script: typeof app.script = async (run) => {
      await app.script(run);
      await place.sql(
        "admin",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname = $1",
        [`${place.name}_ops`],
      );
    };
    await rejected(migrate(place, { ...app, script }, record), "stopped", /could not be found out/, /Run again/);
    await assert.rejects(writable(), { code: "25006" });
    const again = await migrate(place, app, record);
    assert.equal(again.outcome, "up-to-date");
    assert.deepEqual(await columns(), ["id", "email", "nickname"]);
    await verified(place);
    await writable();
  });

  it("refuses a backup role that cannot read everything, before anything is dumped", async () => {
    await serving();
    await place.sql("migrator", "ALTER TABLE pages ENABLE ROW LEVEL SECURITY");
    await place.sql(
      "admin",
      `ALTER ROLE ${place.roles.backup} NOBYPASSRLS; SELECT lo_create(4711); REVOKE pg_read_all_data FROM ${place.roles.backup}`,
    );
    const { app, record } = await next({ name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] });
    await rejected(
      migrate(place, app, record),
      "refused",
      /may not read all data/,
      /needs BYPASSRLS to dump public\.pages/,
      /cannot read the large objects/,
    );
    await place.sql("admin", "SELECT lo_unlink(4711)");
  });

  it("migrates the database it was told, whatever the data source says", async () => {
    const app = await application({
      migrations: [create],
      options:
        'url: undefined, host: "127.0.0.1", port: 1, username: "somebody", database: "elsewhere", synchronize: true, dropSchema: true,',
    });
    assert.equal((await migrate(place, app, await app.record(place.context()))).outcome, "migrated");
    assert.deepEqual(await counts(), { users: 50, pages: 20 });
  });
});
