import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type pg from "pg";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { listBackups } from "../../../operations/backup/list.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { verifyBackup } from "../../../operations/backup/verify.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { clientPrograms } from "../../../operations/database/client-programs.ts";
import { withLock } from "../../../operations/database/lock.ts";
import { Manifest } from "../../../operations/backup/manifest.ts";
import { OperationError, type FailureKind } from "../../../operations/error.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { waitFor } from "../../../operations/wait.ts";
import { withPrograms } from "../database/support/programs.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const schema = `
  CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL UNIQUE);
  CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body jsonb NOT NULL, plain json, made timestamptz NOT NULL DEFAULT now());
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE VIEW authors AS SELECT u.email, p.id FROM users u JOIN pages p ON p.owner = u.id;
  CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL);
  INSERT INTO migrations (timestamp, name) VALUES (1760000000000, 'Initial1760000000000');
  INSERT INTO users (email) SELECT 'user' || n || '@example.com' FROM generate_series(1, 500) n;
  INSERT INTO pages SELECT n, 1 + n % 500, jsonb_build_object('text', repeat(md5(n::text), 40)), '{"a": 1}' FROM generate_series(1, 2000) n`;

describe("backups", () => {
  let place: Environment;
  let target: { bucket: string; environment: string };

  beforeEach(async () => {
    place = await environment();
    target = { bucket: place.bucket, environment: "test" };
    await place.sql("migrator", schema);
  });

  const keys = async () => {
    const { Contents = [] } = await objectStorage(place.env).send(new ListObjectsV2Command({ Bucket: place.bucket }));
    return Contents.map(({ Key = "" }) => Key);
  };
  const readObject = async (key: string) => {
    const { Body } = await objectStorage(place.env).send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const put = (Key: string, Body: string | Uint8Array, Metadata: Record<string, string> = {}) =>
    objectStorage(place.env).send(new PutObjectCommand({ Bucket: place.bucket, Key, Body, Metadata }));
  const openUploads = async () => {
    const { Uploads = [] } = await objectStorage(place.env).send(
      new ListMultipartUploadsCommand({ Bucket: place.bucket }),
    );
    return Uploads.length;
  };
  const create = (env: Record<string, string> = {}) =>
    createBackup.run({ ...target, reason: "manual" }, place.context({ env: { ...place.env, ...env } }));

  it("hold a dump, the globals and a manifest that says exactly what is in them", async () => {
    const made = await create();
    assert.equal(made.rows, 2501);
    const prefix = `backups/test/manual/${made.id}`;
    assert.deepEqual(await keys(), [`${prefix}/dump.zst`, `${prefix}/globals.sql`, `${prefix}/manifest.json`]);
    const manifest = Manifest.parse(JSON.parse((await readObject(`${prefix}/manifest.json`)).toString()));
    assert.deepEqual(manifest.migrations, ["Initial1760000000000"]);
    assert.equal(manifest.tables.find(({ table }) => table === "public.pages")?.rows, 2000);
    const globals = (await readObject(`${prefix}/globals.sql`)).toString();
    assert.match(globals, new RegExp(`CREATE ROLE ${place.roles.app}`));
    assert.doesNotMatch(globals, /SCRAM-SHA-256/);
  });

  it("are of one moment: rows written during the dump are in neither the dump nor the figures", async () => {
    const [before] = await place.sql<{ lsn: string }>("admin", "SELECT pg_current_wal_lsn()::text AS lsn");
    const asAdmin = "PGOPTIONS= PGPASSWORD=the-admin-password psql -X -q -v ON_ERROR_STOP=1 -U postgres";
    const { hostname, port } = new URL(place.env.ADMIN_DATABASE_URL ?? "");
    const made = await withPrograms(
      // The real pg_dump, after rows were added and committed that its snapshot must not see.
      {
        pg_dump: `case "$1" in --version)
            ${asAdmin} -h ${hostname} -p ${port} -d ${place.name} -c "SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000))" >&2
            exec pg_dump "$@";; esac
          ${asAdmin} -c "INSERT INTO users (email) VALUES ('late@example.com')" >&2
          exec pg_dump "$@"`,
      },
      (PATH) => create({ PATH }),
    );
    assert.equal(made.rows, 2501);
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM users"), [{ count: 501 }]);
    const manifest = await backupStore(target, place.context()).find(made.id);
    // So were 100 kB of the write-ahead log, between the snapshot and the dump.
    const [since] = await place.sql<{ bytes: number }>("admin", "SELECT pg_wal_lsn_diff($1, $2)::int AS bytes", [
      ...[manifest.server.lsn, before?.lsn],
    ]);
    assert.ok(since !== undefined && since.bytes >= 0 && since.bytes < 50_000, JSON.stringify(since));
    const tried = await restoreBackup.run({ ...target, dryRun: true, app: place.roles.app }, place.context());
    assert.equal(tried.rows, 2501);
  });

  it("are listed across the environments that share a bucket", async () => {
    const { id: own } = await createBackup.run({ ...target, reason: "daily" }, place.context());
    const elsewhere = { ...target, environment: "elsewhere" };
    const { id: other } = await createBackup.run({ ...elsewhere, reason: "manual" }, place.context());
    const seen = async (spec: { all?: boolean }) =>
      (await listBackups.run({ ...target, ...spec }, place.context())).backups.map(({ id, environment }) => [
        id,
        environment,
      ]);
    assert.deepEqual(await seen({}), [[own, target.environment]]);
    assert.deepEqual(
      await seen({ all: true }),
      [
        [own, target.environment],
        [other, "elsewhere"],
      ].sort(([one = ""], [another = ""]) => another.localeCompare(one)),
    );
  });

  it("are not taken while a run changes the database, whose statements would wait for the dump", async () => {
    await withLock(databaseAccess(place.env, "DATABASE_URL"), async ({ id }) => {
      await assert.rejects(create(), new RegExp(`is being changed by run ${id} from .*; nothing was touched`));
    });
    assert.deepEqual((await listBackups.run(target, place.context())).backups, []);
  });

  it("are listed newest first, and verified to their last byte", async () => {
    const first = await create();
    const second = await createBackup.run({ ...target, reason: "daily" }, place.context());
    const { backups } = await listBackups.run(target, place.context());
    assert.deepEqual(backups.map(({ id }) => id).sort(), [first.id, second.id].sort());
    assert.deepEqual((await listBackups.run({ ...target, reason: "daily" }, place.context())).backups, [
      { ...second, lastDrill: null, copyOf: null },
    ]);
    const verified = await verifyBackup.run({ ...target, id: first.id }, place.context());
    assert.equal(verified.sha256, first.sha256);
  });

  for (const [what, body] of [
    ["killed half-way", 'pg_dump "$@" | head -c 20000; kill -9 $$'],
    ["failing half-way", "pg_dump \"$@\" | head -c 20000; echo 'disk on fire' >&2; exit 1"],
  ] as const) {
    it(`of a pg_dump ${what} leave no object and no open upload`, async () => {
      const program = { pg_dump: `case "$1" in --version) exec pg_dump "$@";; esac\n${body}` };
      await assert.rejects(
        withPrograms(program, (PATH) => create({ PATH })),
        (error) => {
          assert.ok(error instanceof OperationError);
          assert.match(error.message, what === "killed half-way" ? /pg_dump: was ended by SIGKILL/ : /disk on fire/);
          return true;
        },
      );
      assert.deepEqual(await keys(), []);
      assert.equal(await openUploads(), 0);
    });
  }

  it("of a pg_dump killed after several parts leave no object and no open upload", async () => {
    const program = {
      pg_dump: `case "$1" in --version) exec pg_dump "$@";; esac\nhead -c 50000000 /dev/zero; kill -9 $$`,
    };
    await assert.rejects(
      withPrograms(program, (PATH) => create({ PATH })),
      /pg_dump: was ended by SIGKILL/,
    );
    assert.deepEqual(await keys(), []);
    assert.equal(await openUploads(), 0);
  });

  it("that are cancelled half-way leave nothing and wait for pg_dump's end", async () => {
    const abort = new AbortController();
    const program = {
      // Writes a little and waits for the end of its input, which never comes.
      pg_dump: `case "$1" in --version) exec pg_dump "$@";; esac\nhead -c 1000 /dev/zero; echo $$ > "\${0%/*}/pid"; exec cat`,
    };
    const dumping = withPrograms(program, async (PATH) => {
      const running = createBackup.run(
        { ...target, reason: "manual" },
        place.context({ env: { ...place.env, PATH }, signal: abort.signal }),
      );
      const [folder = ""] = PATH.split(delimiter);
      const pid = await waitFor(
        {
          what: "the start of pg_dump",
          timeoutMs: 30_000,
          intervalMs: 20,
          next: "",
          async look() {
            const text = await readFile(join(folder, "pid"), "utf8").catch(() => "");
            return text === "" ? { done: false, seen: "nothing" } : { done: true, value: Number(text) };
          },
        },
        place.context(),
      );
      abort.abort();
      await assert.rejects(running, (error) => error instanceof OperationError && error.kind === "stopped");
      assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    });
    await dumping;
    assert.deepEqual(await keys(), []);
    assert.equal(await openUploads(), 0);
  });

  describe("to a storage that fails", () => {
    const play = async (...faults: object[]) => {
      const response = await fetch(`${place.env.AWS_ENDPOINT_URL}/_sandbox/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ faults }),
      });
      assert.ok(response.ok, await response.text());
    };
    // Random text does not compress: three parts.
    const enlarge = () =>
      place.sql(
        "migrator",
        "CREATE TABLE noise AS SELECT n, (SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 400) m) AS text FROM generate_series(1, 5000) n",
      );
    afterEach(() => fetch(`${place.env.AWS_ENDPOINT_URL}/_sandbox/faults`, { method: "DELETE" }));

    it("for a moment, on one part, succeed", async () => {
      await enlarge();
      await play({ operation: "UploadPart", partNumber: 2, times: 1, action: { kind: "status" } });
      const made = await create();
      assert.ok(made.bytes > 2 * 8 * 1024 ** 2);
      assert.equal((await verifyBackup.run({ ...target, id: made.id }, place.context())).sha256, made.sha256);
    });

    it("for good, leave no object, no open upload and no pg_dump", async () => {
      await enlarge();
      await play({ operation: "UploadPart", partNumber: 2, times: null, action: { kind: "status" } });
      await assert.rejects(create(), (error) => {
        assert.ok(error instanceof OperationError, String(error));
        assert.match(error.message, /uploading .*dump\.zst was answered with 503 SlowDown/);
        return true;
      });
      assert.deepEqual(await keys(), []);
      assert.equal(await openUploads(), 0);
      assert.deepEqual(
        await place.sql(
          "admin",
          "SELECT application_name FROM pg_stat_activity WHERE datname = $1 AND application_name = 'affexai-backup'",
          [place.name],
        ),
        [],
      );
    });

    it("while the manifest is written, are no backup", async () => {
      await play({ operation: "PutObject", key: "*manifest.json", times: null, action: { kind: "status" } });
      await assert.rejects(create(), /writing .*manifest\.json was answered with 503/);
      assert.deepEqual((await listBackups.run(target, place.context())).backups, []);
    });

    it("while a dump is read back, leave the live database alone", async () => {
      await enlarge();
      await create();
      await play({
        operation: "GetObject",
        key: "*dump.zst",
        times: null,
        action: { kind: "drop", direction: "response", afterBytes: 1_000_000 },
      });
      await assert.rejects(
        restoreBackup.run({ ...target, dryRun: false, app: place.roles.app }, place.context()),
        OperationError,
      );
      assert.deepEqual(
        await place.sql("admin", "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1", [
          `${place.name}%`,
        ]),
        [{ datname: place.name }, { datname: `${place.name}_ops` }],
      );
    });
  });

  it("are made by a new enough pg_dump, also when an older one comes first", async () => {
    const made = await withPrograms({ pg_dump: "echo 'pg_dump (PostgreSQL) 12.4'" }, (PATH) => create({ PATH }));
    assert.equal(made.rows, 2501);
  });

  it("are refused when every pg_dump is older than the server", async () => {
    await assert.rejects(
      clientPrograms(place.env, 99),
      /the server is PostgreSQL 99, and pg_dump is .*: it cannot dump a newer server\. Install/,
    );
  });

  it("say what is wrong when the bucket does not exist or the keys are refused", async () => {
    const rejected = async (run: Promise<unknown>, kind: FailureKind, message: RegExp) =>
      assert.rejects(run, (error) => {
        assert.ok(error instanceof OperationError, String(error));
        assert.equal(error.kind, kind, error.message);
        assert.match(error.message, message);
        return true;
      });
    const elsewhere = { ...target, bucket: "no-such-bucket-at-all" };
    await rejected(createBackup.run({ ...elsewhere, reason: "manual" }, place.context()), "refused", /does not exist/);
    await rejected(create({ AWS_SECRET_ACCESS_KEY: "not-the-secret-key" }), "refused", /403/);
    await rejected(create({ AWS_ENDPOINT_URL: "http://127.0.0.1:1" }), "unreachable", /ECONNREFUSED/);
    await rejected(verifyBackup.run(target, place.context()), "refused", /there is none/);
  });

  describe("when restored", () => {
    const restore = (changes: object = {}) =>
      restoreBackup.run({ ...target, dryRun: false, app: place.roles.app, ...changes }, place.context());
    const databases = async () =>
      (
        await place.sql<{ datname: string }>(
          "admin",
          "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1",
          [`${place.name}%`],
        )
      ).map(({ datname }) => datname);

    it("take the place of the live database, which is kept and closed", async () => {
      await place.sql(
        "admin",
        `ALTER DATABASE ${place.name} SET work_mem = '7MB'; ALTER DATABASE ${place.name} CONNECTION LIMIT 42`,
      );
      await place.sql("admin", `ALTER ROLE ${place.roles.app} IN DATABASE ${place.name} SET statement_timeout = '9s'`);
      await create();
      await place.sql("app", "DELETE FROM pages WHERE id < 1000");
      const connected = await place.connect("app");
      const result = await restore();
      await assert.rejects(connected.query("SELECT 1"));
      assert.equal(result.swapped, true);
      assert.ok((result.swapSeconds ?? 99) < 10);
      assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM pages"), [{ count: 2000 }]);
      // Rights, settings, limit and owner came along.
      await place.sql("app", "INSERT INTO users (email) VALUES ('new@example.com')");
      await assert.rejects(place.sql("app", "CREATE TABLE more (id int)"), { code: "42501" });
      assert.deepEqual(await place.sql("app", "SHOW work_mem"), [{ work_mem: "7MB" }]);
      assert.deepEqual(await place.sql("app", "SHOW statement_timeout"), [{ statement_timeout: "9s" }]);
      assert.deepEqual(
        await place.sql(
          "admin",
          "SELECT datconnlimit, datdba::regrole::text AS owner FROM pg_database WHERE datname = $1",
          [place.name],
        ),
        [{ datconnlimit: 42, owner: place.roles.migrator }],
      );
      assert.deepEqual(await databases(), [place.name, result.kept, `${place.name}_ops`].sort());
      await assert.rejects(place.connect("admin", result.kept ?? ""), { code: "55000" });
    });

    it("leave nothing behind in a dry run", async () => {
      await create();
      const result = await restore({ dryRun: true });
      assert.deepEqual([result.swapped, result.kept], [false, null]);
      assert.deepEqual(await databases(), [place.name, `${place.name}_ops`]);
    });

    /** Puts another object and the manifest that names its version: whoever can write cannot change the version that is there. */
    const replaceDump = async (id: string, change: (bytes: Buffer) => Uint8Array) => {
      const manifest = await backupStore(target, place.context()).find(id);
      const { VersionId } = await put(manifest.dump.key, change(await readObject(manifest.dump.key)));
      assert.ok(VersionId !== undefined);
      await put(
        `backups/test/manual/${id}/manifest.json`,
        JSON.stringify({ ...manifest, dump: { ...manifest.dump, versionId: VersionId } }),
      );
    };

    it("are what they were when somebody writes over them", async () => {
      const made = await create();
      await put(`backups/test/manual/${made.id}/dump.zst`, "something else");
      assert.equal((await restore({ dryRun: true })).rows, 2501);
    });

    it("are refused with one byte changed, and the live database is untouched", async () => {
      const made = await create();
      await replaceDump(made.id, (bytes) => {
        bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1;
        return bytes;
      });
      await assert.rejects(verifyBackup.run(target, place.context()), /is damaged/);
      await assert.rejects(restore(), /is damaged/);
      assert.deepEqual(await databases(), [place.name, `${place.name}_ops`]);
    });

    it("are refused when truncated", async () => {
      const made = await create();
      await replaceDump(made.id, (bytes) => bytes.subarray(0, bytes.length / 2));
      await assert.rejects(verifyBackup.run(target, place.context()), /is damaged/);
      await assert.rejects(restore(), /has \d+ bytes instead of \d+/);
      assert.deepEqual(await databases(), [place.name, `${place.name}_ops`]);
    });

    it("are refused when the manifest says something else than the dump holds", async () => {
      const made = await create();
      const manifest = await backupStore(target, place.context()).find(made.id);
      const tables = manifest.tables.map((one) =>
        one.table === "public.users" ? { ...one, rows: one.rows + 1 } : one,
      );
      await put(`backups/test/manual/${made.id}/manifest.json`, JSON.stringify({ ...manifest, tables }));
      await assert.rejects(restore(), /public\.users has 500 rows instead of 501/);
      assert.deepEqual(await databases(), [place.name, `${place.name}_ops`]);
    });

    it("are refused without a manifest, and with one that is damaged or of another backup", async () => {
      const [first, second] = [await create(), await create()].sort((one, other) => one.id.localeCompare(other.id));
      assert.ok(first !== undefined && second !== undefined);
      const Key = `backups/test/manual/${second.id}/manifest.json`;
      const body = await readObject(Key);
      await put(Key, await readObject(`backups/test/manual/${first.id}/manifest.json`));
      await assert.rejects(restore(), new RegExp(`is the manifest of another backup: ${first.id} of test, manual`));
      body[100] = (body[100] ?? 0) ^ 1;
      await put(Key, body, { sha256: second.sha256 });
      await assert.rejects(restore({ id: second.id }), /manifest\.json: is damaged\. Name one of/);
      // The others are not hidden by it.
      const { backups, unreadable } = await listBackups.run(target, place.context());
      assert.deepEqual(
        backups.map(({ id }) => id),
        [first.id],
      );
      assert.deepEqual(unreadable, [{ id: second.id, environment: "test", reason: "manual", why: "is damaged" }]);
      await objectStorage(place.env).send(new DeleteObjectCommand({ Bucket: place.bucket, Key }));
      await assert.rejects(restore({ id: second.id }), /there is none with the id/);
      assert.equal((await restore({ dryRun: true })).id, first.id);
    });

    it("are refused while another run holds the lock, which is named", async () => {
      await create();
      const holder: pg.Client = await place.connect("migrator", `${place.name}_ops`);
      await holder.query("SET application_name = 'affexai-lock-0123456789ab'");
      await holder.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [`affexai:${place.name}`]);
      await assert.rejects(restore(), /is being changed by run 0123456789ab from 127\.0\.0\.1 since/);
      await holder.end();
      await restore();
    });

    it("stop with the database open again when a session cannot be ended", async () => {
      await create();
      const stubborn = await place.connect("admin");
      await assert.rejects(restore(), /the session of postgres .* may only be ended by a superuser/);
      await stubborn.query("SELECT 1");
      await stubborn.end();
      await place.sql("app", "SELECT 1");
      assert.equal((await restore()).swapped, true);
    });
  });
});
