import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { createBackup } from "../../../operations/backup/create.ts";
import { applyRoles, retireRoles } from "../../../operations/database/roles.ts";
import { OperationError } from "../../../operations/error.ts";
import type { Progress } from "../../../operations/progress.ts";
import { environment, services, type Environment } from "./support/platform.ts";

describe("the roles of a database", () => {
  let place: Environment;
  const apply = (changes: object = {}, env: Record<string, string> = {}) =>
    applyRoles.run(
      { owner: "test", database: place.name, ...place.roles, ...changes },
      place.context({ env: { ...place.env, ...env } }),
    );

  before(async () => {
    place = await environment();
    await place.sql("migrator", "CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text)");
  });

  it("let the application read and write tables that the migrator made later", async () => {
    await place.sql("app", "INSERT INTO notes (text) VALUES ('one')");
    assert.deepEqual(await place.sql("app", "SELECT text FROM notes"), [{ text: "one" }]);
  });

  it("keep the application from changing or emptying the schema", async () => {
    for (const statement of [
      "CREATE TABLE more (id int)",
      "ALTER TABLE notes ADD COLUMN extra int",
      "DROP TABLE notes",
      "TRUNCATE notes",
      "CREATE SCHEMA more",
    ]) {
      await assert.rejects(place.sql("app", statement), { code: "42501" }, statement);
    }
  });

  it("keep the application out of the operations database", async () => {
    await assert.rejects(place.connect("app", `${place.name}_ops`), { code: "42501" });
  });

  it("can be applied again without changing a password that is right", async () => {
    const verifiers = () =>
      place.sql("admin", "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE $1 ORDER BY 1", [
        `${place.name}%`,
      ]);
    const before = await verifiers();
    const result = await apply();
    assert.deepEqual(result.roles, Object.values(place.roles));
    assert.deepEqual(await verifiers(), before);
  });

  it("get a changed password, which never reaches the server in clear", async () => {
    await place.sql("admin", "ALTER DATABASE postgres SET log_statement = 'all'");
    await apply({}, { APP_PASSWORD: "another-password-entirely" });
    await place.sql("admin", "ALTER DATABASE postgres RESET log_statement");
    const { postgres, dir } = await services();
    const log = await readFile(`${dir}/postgres/postgres.log`, "utf8");
    assert.match(log, /ALTER ROLE "\w+_app" LOGIN/);
    assert.doesNotMatch(log, /another-password-entirely/);
    const client = new pg.Client({
      host: postgres.host,
      port: postgres.port,
      user: place.roles.app,
      password: "another-password-entirely",
      database: place.name,
    });
    await client.connect();
    await client.end();
    await apply();
  });

  it("take back rights that somebody granted by hand", async () => {
    await place.sql(
      "admin",
      `GRANT CREATE ON SCHEMA public TO ${place.roles.app}; ALTER ROLE ${place.roles.app} SUPERUSER`,
    );
    await apply();
    await assert.rejects(place.sql("app", "CREATE TABLE more (id int)"), { code: "42501" });
  });

  it("give the migrator what somebody else made", async () => {
    await place.sql("admin", "CREATE TABLE foreign_made (id serial PRIMARY KEY); CREATE TYPE mood AS ENUM ('good')");
    await apply();
    await place.sql("migrator", "ALTER TABLE foreign_made ADD COLUMN more int; ALTER TYPE mood ADD VALUE 'bad'");
  });

  it("refuse missing passwords and shared roles, all at once", async () => {
    await assert.rejects(
      apply({ app: place.roles.backup }, { APP_PASSWORD: "short", MIGRATOR_PASSWORD: "" }),
      (error) => {
        assert.ok(error instanceof OperationError);
        assert.equal(error.kind, "usage");
        assert.match(error.message, /MIGRATOR_PASSWORD.*APP_PASSWORD.*three different roles/s);
        return true;
      },
    );
  });

  it("refuse an administrator who is none", async () => {
    await assert.rejects(apply({}, { ADMIN_DATABASE_URL: place.env.DATABASE_URL ?? "" }), /is not a superuser/);
  });

  it("wait for a server that does not answer yet, and say what they see, without the password", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const progress: Progress = {
      step: (_title, work) => work(progress),
      note: (text) => {
        seen.push(text);
        stop.abort(new Error("seen enough"));
      },
    };
    const env = { ...place.env, ADMIN_DATABASE_URL: "postgres://postgres:hunter2hunter2@127.0.0.1:1/postgres" };
    await assert.rejects(
      applyRoles.run(
        { owner: "test", database: place.name, ...place.roles },
        place.context({ env, progress, signal: stop.signal }),
      ),
      { name: "AbortError" },
    );
    assert.match(seen.join("\n"), /^connecting to 127\.0\.0\.1:1\/postgres as postgres failed: .*ECONNREFUSED/);
    assert.doesNotMatch(seen.join("\n"), /hunter2/);
  });

  it("(as any access) are refused by a server that cannot be reached with an error that does not hold the password", async () => {
    const env = { ...place.env, BACKUP_DATABASE_URL: "postgres://postgres:hunter2hunter2@127.0.0.1:1/postgres" };
    const run = createBackup.run(
      { bucket: place.bucket, environment: "test", reason: "manual" },
      place.context({ env }),
    );
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof OperationError);
      assert.equal(error.kind, "unreachable");
      assert.match(error.message, /BACKUP_DATABASE_URL: connecting to 127\.0\.0\.1:1/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it("stay when they are retired", async () => {
    const { kept } = await retireRoles.run({ owner: "test", database: place.name, ...place.roles }, place.context());
    assert.ok(kept.includes(place.name));
    await place.sql("app", "SELECT 1");
  });
});
