import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import type { Manifest } from "../../../operations/backup/manifest.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { run } from "../../../operations/process.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { findPostgres } from "../../../sandbox/setup/find-servers.ts";
import { rejected } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { besides, sampleRows, sampleSchema } from "./support/sample.ts";

describe("a restored database", () => {
  let place: Environment;
  let target: { bucket: string; environment: string };

  beforeEach(async () => {
    place = await environment();
    target = { bucket: place.bucket, environment: "test" };
    await place.sql("migrator", sampleSchema);
  });

  const back = async () => (await createBackup.run({ ...target, reason: "manual" }, place.context())).id;
  const restore = (changes: object = {}, env: Record<string, string | undefined> = {}) =>
    restoreBackup.run(
      { ...target, dryRun: false, app: place.roles.app, ...changes },
      place.context({ env: { ...place.env, ...env } }),
    );
  const administer = (...statements: string[]) => place.sql("admin", statements.join(";"));

  it("has the settings, rights, comment, limit and owner of the one that it replaces, but not its freeze", async () => {
    const { name, roles } = place;
    await administer(
      `ALTER DATABASE ${name} SET search_path = "$user", "Other place", public`,
      `ALTER DATABASE ${name} SET work_mem = '7MB'`,
      `ALTER DATABASE ${name} SET "affexai.tenant" = 'it''s, "one"'`,
      `ALTER DATABASE ${name} SET log_min_duration_statement = '250ms'`,
      `ALTER ROLE ${roles.app} IN DATABASE ${name} SET statement_timeout = '9s'`,
      `ALTER ROLE ${roles.app} IN DATABASE ${name} SET default_transaction_read_only = on`,
      `ALTER ROLE ${roles.backup} IN DATABASE ${name} SET lock_timeout = '3s'`,
      `ALTER DATABASE ${name} CONNECTION LIMIT 42`,
      `COMMENT ON DATABASE ${name} IS 'the one that''s live'`,
      `GRANT TEMPORARY ON DATABASE ${name} TO ${roles.app} WITH GRANT OPTION`,
      `GRANT CONNECT ON DATABASE ${name} TO PUBLIC`,
    );
    const around = () =>
      place.sql(
        "admin",
        `SELECT datdba::regrole::text AS owner, datconnlimit AS limit, datistemplate, shobj_description(oid, 'pg_database') AS comment,
                ARRAY(SELECT unnest(datacl)::text ORDER BY 1) AS acl,
                ARRAY(SELECT COALESCE(setrole::regrole::text, '') || ' ' || one FROM pg_db_role_setting, unnest(setconfig) one
                       WHERE setdatabase = d.oid AND one !~ 'read_only' ORDER BY 1) AS settings
           FROM pg_database d WHERE datname = $1`,
        [place.name],
      );
    const before = await around();
    await back();
    const first = await restore();
    assert.deepEqual(first.lostSettings, []);
    assert.deepEqual(await around(), before);
    await place.sql("app", "UPDATE users SET mood = 'bad' WHERE id = 1");

    // Without the administrator, what only a superuser may set is told as what to run.
    const second = await restore({}, { ADMIN_DATABASE_URL: undefined });
    assert.deepEqual(second.lostSettings.toSorted(), [
      `ALTER DATABASE "${name}" SET "affexai"."tenant" = 'it''s, "one"'`,
      `ALTER DATABASE "${name}" SET "log_min_duration_statement" = '250ms'`,
      `ALTER ROLE "${roles.backup}" IN DATABASE "${name}" SET "lock_timeout" = '3s'`,
    ]);
    await administer(...second.lostSettings);
    assert.deepEqual(await around(), before);
  });

  it("lets everybody connect when the one that it replaces did by default", async () => {
    await administer(`GRANT ALL ON DATABASE ${place.name} TO PUBLIC`);
    await back();
    await place.sql("admin", "UPDATE pg_database SET datacl = NULL WHERE datname = $1", [place.name]);
    await restore();
    const rights = await place.sql(
      "admin",
      "SELECT has_database_privilege('public', $1, 'CONNECT') AS connect, has_database_privilege('public', $1, 'TEMP') AS temp",
      [place.name],
    );
    assert.deepEqual(rights, [{ connect: true, temp: true }]);
  });

  it("is the same by pg_dump's own account, its publications and default rights included, and sound by pg_amcheck's", async () => {
    const { roles } = place;
    await place.sql(
      "migrator",
      `CREATE PUBLICATION feed FOR TABLE users; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${roles.backup};
       CREATE INDEX by_mood ON users (mood) WHERE mood = 'bad'; COMMENT ON TABLE users IS 'people';
       SELECT setval('migrations_id_seq', 40)`,
    );
    const before = await plainDump();
    const id = await back();
    await place.sql("app", "DELETE FROM pages; UPDATE users SET email = id || email");
    await place.sql(
      "migrator",
      "DROP PUBLICATION feed; DROP INDEX by_mood; ALTER TABLE users DROP COLUMN mood CASCADE",
    );
    assert.equal((await restore({ id })).rows, sampleRows);
    assert.equal(await plainDump(), before);
    await place.sql("app", "INSERT INTO users (email) VALUES ('next@example.com')");
    assert.deepEqual(await place.sql("app", "SELECT max(id) FROM users"), [{ max: 501 }]);

    const admin = new URL(place.env.ADMIN_DATABASE_URL ?? "");
    const { stdout } = await run({
      file: join((await findPostgres()) ?? "", "pg_amcheck"),
      arguments: ["--install-missing", "--heapallindexed", "--parent-check", place.name],
      env: { PGHOST: admin.hostname, PGPORT: admin.port, PGUSER: "postgres", PGPASSWORD: "the-admin-password" },
      timeoutMs: 60_000,
    });
    assert.equal(stdout, "");
  });

  it("has the statistics of every table at once, each made once, and its long values compressed with lz4 where the server can", async () => {
    await place.sql("migrator", `INSERT INTO pages VALUES (1001, 1, '{"text": "${"long ".repeat(2000)}"}')`);
    await back();
    await restore();
    const known = await place.sql(
      "admin",
      "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public' ORDER BY 1",
    );
    const tables = ["migrations", "pages", "totals", "users", "visits", "visits_2026"];
    assert.deepEqual(
      known,
      tables.map((tablename) => ({ tablename })),
    );
    const made = await place.sql(
      "admin",
      "SELECT DISTINCT analyze_count::int AS times FROM pg_stat_user_tables WHERE relname IN ('users', 'visits_2026')",
    );
    assert.deepEqual(made, [{ times: 1 }]);
    const [server] = await place.sql<{ methods: string[] }>(
      "admin",
      "SELECT enumvals AS methods FROM pg_settings WHERE name = 'default_toast_compression'",
    );
    assert.deepEqual(await place.sql("app", "SELECT pg_column_compression(body) AS used FROM pages WHERE id = 1001"), [
      { used: server?.methods.includes("lz4") === true ? "lz4" : "pglz" },
    ]);
  });

  it("comes the same from a local file, restored by several jobs, which is gone afterwards", async () => {
    const folder = await mkdtemp(join(tmpdir(), "affexai-restore-"));
    try {
      const before = await plainDump();
      await back();
      await place.sql("app", "DELETE FROM pages");
      const local = join(folder, "made");
      assert.equal((await restore({ local })).swapped, true);
      assert.equal(await plainDump(), before);
      assert.deepEqual(await readdir(local), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("may have sequences that lagged behind their columns before", async () => {
    await place.sql(
      "migrator",
      "INSERT INTO migrations (id, timestamp, name) VALUES (90, 1760000001000, 'Later1760000001000')",
    );
    await back();
    assert.equal((await restore({ dryRun: true })).rows, sampleRows + 1);
  });

  it("is refused, with every reason at once, before anything is touched", async () => {
    const id = await back();
    const { dump, ...manifest } = await backupStore(target, place.context()).find(id);
    const Key = backupStore(target, place.context()).key("manual", id, "manifest.json");
    const other: Manifest = {
      ...manifest,
      dump: { ...dump, bytes: dump.bytes + 1 },
      database: "somebody_elses",
      server: { ...manifest.server, versionNumber: 990001, extensions: [{ name: "nix", version: "1" }] },
    };
    await objectStorage(place.env).send(
      new PutObjectCommand({ Bucket: place.bucket, Key, Body: JSON.stringify(other) }),
    );
    await rejected(
      restore(),
      "refused",
      new RegExp(`it is a backup of the database somebody_elses, and DATABASE_URL names ${place.name}`),
      new RegExp(`dump.* has ${dump.bytes} bytes instead of ${dump.bytes + 1}`),
      /was dumped from PostgreSQL 99, and the server is the older \d+/,
      /does not have the extension nix/,
      /nothing was touched/,
    );
    const huge = { ...manifest, dump: { ...dump, plain: { ...dump.plain, bytes: Number.MAX_SAFE_INTEGER } } };
    await objectStorage(place.env).send(
      new PutObjectCommand({ Bucket: place.bucket, Key, Body: JSON.stringify(huge) }),
    );
    await rejected(restore(), "refused", /the server has \d+ bytes free, and about 9007199254740991 are needed/);
    assert.deepEqual(await besides(place), []);
    const { Body } = await objectStorage(place.env).send(new GetObjectCommand({ Bucket: place.bucket, Key: dump.key }));
    assert.ok(Body);
    const ran = await place.sql("migrator", "SELECT to_regclass('public.run') AS run", [], `${place.name}_ops`);
    assert.deepEqual(ran, [{ run: null }]);
  });

  /** Everything but who may connect, in SQL. */
  async function plainDump(): Promise<string> {
    const url = new URL(place.env.ADMIN_DATABASE_URL ?? "");
    url.pathname = `/${place.name}`;
    const { stdout: help } = await run({ file: "pg_dump", arguments: ["--help"], timeoutMs: 10_000 });
    const { stdout } = await run({
      file: "pg_dump",
      // Since the minor releases of August 2025, each plain dump has a random key in it.
      arguments: ["--format=plain", ...(help.includes("--restrict-key") ? ["--restrict-key=test"] : [])],
      env: {
        PGHOST: url.hostname,
        PGPORT: url.port,
        PGUSER: "postgres",
        PGPASSWORD: url.password,
        PGDATABASE: place.name,
      },
      timeoutMs: 60_000,
    });
    return stdout;
  }
});
