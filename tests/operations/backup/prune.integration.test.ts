import assert from "node:assert/strict";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import { backupStore, type BackupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { recordDrill } from "../../../operations/backup/drill-record.ts";
import type { Manifest } from "../../../operations/backup/manifest.ts";
import { pruneAsOf } from "../../../operations/backup/prune.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const dayMs = 86_400_000;

describe("pruning backups", () => {
  let place: Environment;
  let original: Manifest;
  let store: BackupStore;
  const now = Date.now();
  const keep = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };

  before(async () => {
    place = await environment();
    await place.sql("migrator", "CREATE TABLE notes AS SELECT 1 AS n");
    const target = { bucket: place.bucket, environment: "test" };
    const made = await createBackup.run({ ...target, reason: "daily" }, place.context());
    original = await backupStore(target, place.context()).find(made.id);
  });

  // Versioned, and without a default retention: here everything is as old as it says.
  beforeEach(async () => {
    const bucket = `${place.bucket}-${Math.random().toString(36).slice(2, 8)}`;
    await objectStorage(place.env).send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    store = backupStore({ bucket, environment: "test" }, place.context());
  });

  const prune = (changes: { dryRun?: boolean; minimum?: number; later?: number } = {}) => {
    const { later = 0, minimum = 1, ...rest } = changes;
    const at = new Date(now + later * dayMs);
    return pruneAsOf(at, { ...store.target, keep, minimum, ...rest }, place.context());
  };
  /** A complete backup of so many days ago: its id. */
  const backup = async (days: number, more: Partial<Manifest> = {}): Promise<string> => {
    const at = new Date(now - days * dayMs).toISOString();
    const id = `${at.replace(/[-:]|\.\d+/g, "")}-000000`;
    for (const file of ["dump.zst", "globals.sql"] as const)
      await store.put(store.key("daily", id, file), file, "text/plain");
    const manifest = { ...original, id, takenAt: at, ...more };
    await store.put(store.key("daily", id, "manifest.json"), JSON.stringify(manifest), "application/json");
    return id;
  };
  const versions = async (id: string) => {
    const { Versions = [], DeleteMarkers = [] } = await store.storage.send(
      new ListObjectVersionsCommand({ Bucket: store.target.bucket, Prefix: `backups/test/daily/${id}/` }),
    );
    return Versions.length + DeleteMarkers.length;
  };

  it("deletes every version of the expired ones, and a dry run none", async () => {
    const [old, young] = [await backup(15), await backup(1)];
    const expectation = { deleted: [old], kept: 1, locked: [], remains: [], aborted: [] };
    assert.deepEqual(await prune({ dryRun: true }), expectation);
    assert.equal(await versions(old), 3);
    assert.deepEqual(await prune(), expectation);
    assert.deepEqual([await versions(old), await versions(young)], [0, 3]);
    assert.deepEqual(await prune(), { ...expectation, deleted: [] });
  });

  it("never goes below the minimum, of complete and of drilled ones", async () => {
    const ids = [await backup(90), await backup(80), await backup(70), await backup(60)];
    await recordDrill(store, {
      ...{ id: ids[0] ?? "", takenAt: new Date(now).toISOString(), drilledAt: new Date(now).toISOString(), rows: 1 },
      ...{ restoreSeconds: 1, verifySeconds: 1, rpoSeconds: 1, rtoSeconds: 1 },
    });
    assert.deepEqual((await prune({ minimum: 2 })).deleted, [ids[1]]);
  });

  it("keeps what the release that serves has behind it", async () => {
    const ledger = new Ledger(store.storage, store.target);
    const [behind, ofRelease] = [await backup(60), await backup(50, { behind: "r1" })];
    // Taken by the clock while it served: nobody goes back to that.
    const unneeded = await backup(40, { release: releaseOf("r1") });
    await backup(1);
    await ledger.joinAttempt({ id: "r1", after: null }, "test");
    // The attempt begins now; what was newest then is needed as well, and is young anyway.
    assert.deepEqual((await prune()).deleted, [behind, unneeded]);
    assert.equal(await versions(ofRelease), 3);
  });

  it("lists what is locked, and leaves all of it", async () => {
    const [held] = [await backup(20), await backup(1)];
    await store.storage.send(
      new PutObjectRetentionCommand({
        ...{ Bucket: store.target.bucket, Key: store.key("daily", held, "dump.zst") },
        Retention: { Mode: "GOVERNANCE", RetainUntilDate: new Date(now + dayMs) },
      }),
    );
    assert.deepEqual(await prune(), { deleted: [], kept: 2, locked: [held], remains: [], aborted: [] });
    assert.equal(await versions(held), 3);
  });

  it("deletes what killed runs left, and what a killed pruning left, but nothing of today", async () => {
    await backup(0);
    const [killed, half] = [await backup(3), await backup(2)];
    // The first request of a deletion hides the manifest; without one it is no backup.
    for (const id of [killed, half]) {
      const Key = store.key("daily", id, "manifest.json");
      await store.storage.send(new DeleteObjectCommand({ Bucket: store.target.bucket, Key }));
    }
    assert.equal((await store.manifests()).length, 1);
    assert.deepEqual(await prune(), { deleted: [], kept: 1, locked: [], remains: [], aborted: [] });
    assert.deepEqual((await prune({ later: 2 })).remains, [killed, half]);
    assert.deepEqual([await versions(killed), await versions(half)], [0, 0]);
  });

  it("aborts uploads that never ended, a day after they began", async () => {
    await backup(0);
    const Key = store.key("daily", original.id, "dump.zst");
    await store.storage.send(new CreateMultipartUploadCommand({ Bucket: store.target.bucket, Key }));
    assert.deepEqual((await prune()).aborted, []);
    assert.deepEqual((await prune({ later: 1.1 })).aborted, [Key]);
    const { Uploads = [] } = await store.storage.send(new ListMultipartUploadsCommand({ Bucket: store.target.bucket }));
    assert.deepEqual(Uploads, []);
  });
});

function releaseOf(id: string): NonNullable<Manifest["release"]> {
  return { id, gitSha: "0".repeat(40), image: `registry.example/affexai/backend@sha256:${"0".repeat(64)}` };
}
