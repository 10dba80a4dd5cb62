import { CreateBucketCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ledger, LedgerMissing, attemptState } from "../../../operations/release/ledger.ts";
import { objectStorage } from "../../../operations/storage.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { startObjectStorage } from "../../../sandbox/s3/server.ts";
import { record } from "../../release-record.ts";

const keys = { accessKeyId: "ledger-test-key", secretAccessKey: "ledger-test-secret" };

describe("the ledger", () => {
  let dir: string;
  let close: () => Promise<void>;
  let env: Record<string, string>;
  let ledger: Ledger;
  let environments = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "affexai-ledger-"));
    const service = await startObjectStorage({ host: "127.0.0.1", port: 0, dir, ...keys });
    close = () => service.close();
    env = {
      AWS_ENDPOINT_URL: service.url,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    };
    await objectStorage(env).send(new CreateBucketCommand({ Bucket: "affexai-backups" }));
  });

  after(async () => {
    await close();
    await rm(dir, { recursive: true });
  });

  beforeEach(() => {
    ledger = new Ledger(objectStorage(env), { bucket: "affexai-backups", environment: `test-${(environments += 1)}` });
  });

  const release = (id: string): ReleaseRecord => ({ ...record, id });

  it("keeps a release as it was recorded, and takes the same one twice", async () => {
    await ledger.putRelease(release("release-1"));
    await ledger.putRelease(release("release-1"));
    assert.deepEqual(await ledger.readRelease("release-1"), release("release-1"));
    assert.deepEqual(await ledger.listReleases(), ["release-1"]);
    assert.equal(await ledger.readRelease("release-2"), null);
  });

  it("refuses another release under a recorded id", async () => {
    await ledger.putRelease(release("release-1"));
    await assert.rejects(ledger.putRelease({ ...release("release-1"), maintenance: true }), {
      message: /release release-1: is in the ledger already, with other content/,
    });
  });

  it("begins attempts without gaps, and lets every verb of one run join the open one", async () => {
    assert.equal(await ledger.joinAttempt({ id: "release-1", after: null }, "migration run"), "000001");
    assert.equal(await ledger.joinAttempt({ id: "release-1", after: null }, "application apply"), "000001");
    await ledger.close("000001", "verified", "serves");
    assert.equal(await ledger.joinAttempt({ id: "release-2", after: null }, "migration run"), "000002");
  });

  it("gives eight verbs that begin at once one and the same attempt", async () => {
    const ids = await Promise.all(
      Array.from({ length: 8 }, () => ledger.joinAttempt({ id: "release-1", after: null }, "application apply")),
    );
    assert.deepEqual([...new Set(ids)], ["000001"]);
    assert.equal((await ledger.history()).length, 1);
  });

  it("never joins an attempt of another release, of another `after`, or one that has ended", async () => {
    await ledger.joinAttempt({ id: "release-3", after: null }, "migration run");
    assert.equal(await ledger.joinAttempt({ id: "release-2", after: null }, "migration run"), "000002");
    assert.equal(await ledger.joinAttempt({ id: "release-2", after: "000001" }, "migration run"), "000003");
    await ledger.close("000003", "failed", "gate");
    assert.equal(await ledger.joinAttempt({ id: "release-2", after: "000001" }, "migration run"), "000004");
  });

  it("names the newest attempt that never closed as verified, also after later ones did", async () => {
    assert.equal(await ledger.newestUnverified(), null);
    await ledger.close(await ledger.joinAttempt({ id: "release-1", after: null }, "x"), "verified", "");
    assert.equal(await ledger.newestUnverified(), null);
    await ledger.joinAttempt({ id: "release-3", after: null }, "x");
    assert.equal(await ledger.newestUnverified(), "000002");
    await ledger.close(await ledger.joinAttempt({ id: "release-1", after: "000002" }, "x"), "verified", "");
    assert.equal(await ledger.newestUnverified(), "000002");
  });

  it("knows the last known good release: verified, and not rolled back since", async () => {
    for (const id of ["release-1", "release-2", "release-3"]) {
      await ledger.putRelease(release(id));
      await ledger.close(
        await ledger.joinAttempt({ id, after: null }, "x"),
        id === "release-3" ? "failed" : "verified",
        "",
      );
    }
    assert.equal((await ledger.lastKnownGood())?.record.id, "release-2");
    assert.equal((await ledger.lastKnownGood("release-2"))?.record.id, "release-1");
    await ledger.close("000002", "rolled-back", "");
    assert.equal((await ledger.lastKnownGood())?.record.id, "release-1");
  });

  it("has no good release before the first was verified", async () => {
    await ledger.joinAttempt({ id: "release-1", after: null }, "x");
    assert.equal(await ledger.lastKnownGood(), null);
  });

  it("says that there is none when the bucket does not exist", async () => {
    const none = new Ledger(objectStorage(env), { bucket: "no-such-bucket", environment: "test" });
    await assert.rejects(
      none.newest(),
      (error) => error instanceof LedgerMissing && /no-such-bucket/.test(error.message),
    );
  });
});

describe("the state of an attempt", () => {
  it("is the last word of its events", () => {
    assert.equal(attemptState(["begun"]), "open");
    assert.equal(attemptState(["begun", "failed"]), "failed");
    assert.equal(attemptState(["begun", "verified"]), "verified");
    assert.equal(attemptState(["begun", "verified", "rolled-back"]), "rolled-back");
  });
});
