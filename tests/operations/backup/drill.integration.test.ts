import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { readDrills } from "../../../operations/backup/drill-record.ts";
import { drillBackup } from "../../../operations/backup/drill.ts";
import { listBackups } from "../../../operations/backup/list.ts";
import { Manifest } from "../../../operations/backup/manifest.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { rejected } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { withPrograms } from "../database/support/programs.ts";
import { besides, sampleRows, sampleSchema } from "./support/sample.ts";

describe("a drill", () => {
  let place: Environment;
  let target: { bucket: string; environment: string };
  let older: string;
  let newer: string;

  before(async () => {
    place = await environment();
    target = { bucket: place.bucket, environment: "test" };
    await place.sql("migrator", sampleSchema);
    const create = () => createBackup.run({ ...target, reason: "manual" }, place.context());
    older = (await create()).id;
    newer = (await create()).id;
    [older = "", newer = ""] = [older, newer].sort();
  });
  afterEach(async () => assert.deepEqual(await besides(place), []));

  const drill = (changes: object = {}, env: Record<string, string> = {}) =>
    drillBackup.run({ ...target, ...changes }, place.context({ env: { ...place.env, ...env } }));
  const store = () => backupStore(target, place.context());
  /** By a marker, so that the others are the newest again. */
  const hide = (id: string) =>
    objectStorage(place.env).send(
      new DeleteObjectCommand({ Bucket: place.bucket, Key: store().key("hourly", id, "manifest.json") }),
    );
  const drilledAt = async () => {
    const { backups } = await listBackups.run(target, place.context());
    return Object.fromEntries(backups.map(({ id, lastDrill }) => [id, lastDrill]));
  };

  it("proves the newest backup, measures, records it, and leaves the live database alone", async () => {
    assert.deepEqual(await drilledAt(), { [older]: null, [newer]: null });
    const before = Date.now();
    const result = await drill();
    assert.deepEqual([result.id, result.rows], [newer, sampleRows]);
    assert.ok(Date.parse(result.drilledAt) >= before);
    assert.equal(result.rpoSeconds, (Date.parse(result.drilledAt) - Date.parse(result.takenAt)) / 1000);
    assert.ok(result.restoreSeconds > 0 && result.verifySeconds > 0);
    // Each is rounded to the millisecond by itself, which can make two parts one longer than the whole.
    const [whole, ...parts] = [result.rtoSeconds, result.restoreSeconds, result.verifySeconds].map((seconds) =>
      Math.round(seconds * 1000),
    );
    assert.ok(Number(whole) + 1 >= parts.reduce((sum, part) => sum + part), JSON.stringify(result));
    assert.deepEqual(await readDrills(store()), [result]);
    assert.deepEqual(await drilledAt(), {
      [older]: null,
      [newer]: { drilledAt: result.drilledAt, proven: true },
    });
    await place.sql("app", "UPDATE users SET mood = 'good' WHERE id = 1");
  });

  it("measures a restore by several jobs from a local file too, which is gone afterwards", async () => {
    const folder = await mkdtemp(join(tmpdir(), "affexai-drill-"));
    try {
      const result = await drill({ local: folder });
      assert.deepEqual([result.id, result.rows], [newer, sampleRows]);
      assert.deepEqual((await readDrills(store())).at(-1), result);
      assert.deepEqual(await readdir(folder), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("proves one by its id, on another server without the roles", async () => {
    await place.sql("admin", `CREATE DATABASE ${place.name}_empty`, [], "postgres");
    try {
      const url = new URL(place.env.ADMIN_DATABASE_URL ?? "");
      url.pathname = `/${place.name}_empty`;
      const result = await drill({ id: older }, { DRILL_DATABASE_URL: url.href });
      assert.equal(result.id, older);
      assert.equal((await readDrills(store(), older)).length, 1);
    } finally {
      await place.sql("admin", `DROP DATABASE ${place.name}_empty`, [], "postgres");
    }
  });

  it("refuses to point at the live database, or at one that holds anything", async () => {
    await rejected(
      drill({}, { DRILL_DATABASE_URL: place.env.DATABASE_URL ?? "" }),
      "refused",
      new RegExp(`names ${place.name}, which is the name of the live database`),
      /which is not empty: it has public\.\w+/,
      /nothing was touched/,
    );
    const operations = new URL(place.env.DATABASE_URL ?? "");
    operations.pathname = `/${place.name}_ops`;
    await place.sql("migrator", "CREATE TABLE IF NOT EXISTS something (id int)", [], `${place.name}_ops`);
    await rejected(drill({}, { DRILL_DATABASE_URL: operations.href }), "refused", /is not empty/);
    await rejected(
      drill({}, { DRILL_DATABASE_URL: "mysql://x" }),
      "usage",
      /DRILL_DATABASE_URL: has the scheme mysql:/,
    );
  });

  it("fails when the restored database is not what the manifest says, and records that it failed", async () => {
    const Key = store().key("manual", older, "manifest.json");
    const address = { Bucket: place.bucket, Key };
    const storage = objectStorage(place.env);
    const { Body } = await storage.send(new GetObjectCommand(address));
    const whole = (await Body?.transformToString()) ?? "";
    const manifest = Manifest.parse(JSON.parse(whole));
    const drills = (await readDrills(store())).length;
    const change = (changes: Partial<Manifest>) =>
      storage.send(new PutObjectCommand({ ...address, Body: JSON.stringify({ ...manifest, ...changes }) }));
    const [first, ...others] = manifest.tables;
    assert.ok(first);
    await change({ tables: [{ ...first, hash: "1" }, ...others] });
    await rejected(drill({ id: older }), "failed", new RegExp(`${first.table} has other content`));
    assert.equal((await drilledAt())[older]?.proven, false);
    await change({ tables: others, frozen: true, sequences: [{ sequence: "public.users_id_seq", lastValue: "7" }] });
    await rejected(
      drill({ id: older }),
      "failed",
      new RegExp(`${first.table} is not in the manifest`),
      /sequence public\.users_id_seq stands at 500 instead of 7/,
    );
    await change({
      server: { ...manifest.server, versionNumber: 990001, extensions: [{ name: "nix", version: "1" }] },
    });
    await rejected(
      drill({ id: older }),
      "refused",
      /was dumped from PostgreSQL 99, and the server is the older \d+; the server does not have the extension nix/,
    );
    await storage.send(new PutObjectCommand({ ...address, Body: whole }));
    assert.equal((await readDrills(store())).length, drills);
  });

  it("fails when rows point at nothing, which the dump kept silent about, and records that it failed", async () => {
    const orphan = "SET session_replication_role = replica; UPDATE pages SET owner = 9999 WHERE id = 1";
    await place.sql("admin", orphan);
    const made = await createBackup.run({ ...target, reason: "hourly" }, place.context());
    await place.sql("admin", "UPDATE pages SET owner = 2 WHERE id = 1");
    await rejected(drill({ id: made.id }), "failed", /violates foreign key constraint "pages_owner_fkey"/);
    assert.equal((await drilledAt())[made.id]?.proven, false);
    await hide(made.id);
  });

  it("refuses a backup whose dump is gone, before it makes anything", async () => {
    const made = await createBackup.run({ ...target, reason: "hourly" }, place.context());
    const { dump } = await store().find(made.id);
    const version = dump.versionId === null ? {} : { VersionId: dump.versionId };
    const object = { Bucket: place.bucket, Key: dump.key, ...version, BypassGovernanceRetention: true };
    await objectStorage(place.env).send(new DeleteObjectCommand(object));
    await rejected(drill({ id: made.id }), "refused", /its dump .* is not there/);
    assert.equal((await drilledAt())[made.id]?.proven, false);
    await hide(made.id);
  });

  it("killed with -9 leaves a scratch database that the next one drops; two at once are refused", async () => {
    const child = new URL("support/verb-child.ts", import.meta.url).pathname;
    const program = `case "$1" in --version) exec pg_restore "$@";; esac\nkill -9 $PPID\nexec pg_restore "$@"`;
    const killed = await withPrograms({ pg_restore: program }, (PATH) =>
      execa(process.execPath, [child], {
        input: JSON.stringify({ spec: target, env: { ...place.env, PATH }, killAt: "" }),
        reject: false,
      }),
    );
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    const [scratch = "", ...others] = await besides(place);
    assert.match(scratch, new RegExp(`^${place.name}_drill_[0-9a-f]{12}$`));
    assert.deepEqual(others, []);
    place.notes.length = 0;
    await drill();
    assert.ok(place.notes.includes(`drop ${scratch}, left by a drill that was killed`), place.notes.join("\n"));

    const holder = await place.connect("migrator", `${place.name}_ops`);
    await holder.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [`affexai-drill:${place.name}`]);
    await rejected(drill(), "refused", /another drill of it is under way/);
    await holder.end();
  });
});
