import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import type { Manifest } from "../../../operations/backup/manifest.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { verifyBackup } from "../../../operations/backup/verify.ts";
import { OperationError } from "../../../operations/error.ts";
import { run } from "../../../operations/process.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { environment, type Environment } from "../database/support/platform.ts";

describe("encrypted backups", () => {
  let place: Environment;
  let target: { bucket: string; environment: string };
  let identity: string;
  let manifest: Manifest;
  const given = (env: Record<string, string>) => place.context({ env: { ...place.env, ...env } });
  const restore = (env: Record<string, string>) =>
    restoreBackup.run({ ...target, dryRun: true, app: place.roles.app }, given(env));
  const databases = () =>
    place.sql("admin", "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1", [`${place.name}%`]);

  before(async () => {
    place = await environment();
    target = { bucket: place.bucket, environment: "test" };
    identity = await generateIdentity();
    await place.sql(
      "migrator",
      "CREATE TABLE notes AS SELECT n, 'the plain words of note ' || n AS text FROM generate_series(1, 3000) n",
    );
    const made = await createBackup.run(
      { ...target, reason: "manual" },
      given({ BACKUP_RECIPIENTS: await identityToRecipient(identity) }),
    );
    manifest = await backupStore(target, place.context()).find(made.id);
  });

  const stored = async (key: string) => {
    const { Body } = await objectStorage(place.env).send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };

  it("say in their manifest to whom, and what the plain and the stored bytes are", async () => {
    assert.deepEqual(manifest.encryption, { kind: "age", recipients: [await identityToRecipient(identity)] });
    assert.match(manifest.dump.key, /\/dump\.zst\.age$/);
    assert.match(manifest.globals.key, /\/globals\.sql\.age$/);
    for (const { key, bytes, sha256, plain } of [manifest.dump, manifest.globals]) {
      const body = await stored(key);
      assert.equal(body.length, bytes);
      assert.equal(body.subarray(0, 21).toString(), "age-encryption.org/v1");
      assert.notEqual(plain.sha256, sha256);
    }
  });

  it("are restored and read through with the private key", async () => {
    assert.equal((await restore({ BACKUP_IDENTITY: identity })).rows, 3000);
    assert.equal((await verifyBackup.run(target, given({ BACKUP_IDENTITY: identity }))).read, "contents");
  });

  it("are verified as they are stored without it", async () => {
    assert.equal((await verifyBackup.run(target, place.context())).read, "bytes");
  });

  it("are refused with no key and with a wrong one, before anything is touched", async () => {
    const before = await databases();
    const stranger = await generateIdentity();
    for (const [env, message] of [
      [{}, /BACKUP_IDENTITY: is not set, and the backup is encrypted/],
      [{ BACKUP_IDENTITY: stranger }, /BACKUP_IDENTITY: does not open .*dump\.zst\.age/],
    ] as const) {
      place.notes.length = 0;
      await assert.rejects(restore(env), (error) => {
        assert.ok(error instanceof OperationError);
        assert.equal(error.kind, "refused");
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, new RegExp(stranger));
        return true;
      });
      assert.deepEqual(await databases(), before);
      assert.ok(!place.notes.some((note) => note.startsWith("restore ")));
    }
    await assert.rejects(verifyBackup.run(target, given({ BACKUP_IDENTITY: stranger })), /does not open/);
  });

  it("are read by the age of Debian as well, and its pg_restore finds the rows", async function () {
    const missing = await run({ file: "age", arguments: ["--version"], timeoutMs: 10_000 }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (missing !== undefined) {
      console.log(`    skipped: ${missing}`);
      return this.skip();
    }
    const dir = await mkdtemp(join(tmpdir(), "affexai-age-"));
    try {
      const inDir = (name: string) => join(dir, name);
      const [key, dump, zst, plain] = [inDir("key"), inDir("dump.zst.age"), inDir("dump.zst"), inDir("dump")];
      await writeFile(key, identity, { mode: 0o600 });
      await writeFile(dump, await stored(manifest.dump.key));
      await run({
        file: "age",
        arguments: ["--decrypt", "--identity", key, "--output", zst, dump],
        timeoutMs: 30_000,
      });
      await writeFile(plain, zstdDecompressSync(await readFile(zst)));
      const { stdout } = await run({
        file: "pg_restore",
        arguments: ["--data-only", "--table=notes", "--file=-", plain],
        timeoutMs: 30_000,
      });
      assert.match(stdout, /\n3000\tthe plain words of note 3000\n/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
