import assert from "node:assert/strict";
import { GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { newBucket, put } from "./contract/subject.ts";
import { refused } from "./refusal.ts";
import { root, s3Client, startForTest } from "./storage.ts";

const mebibyte = 1024 * 1024;

describe("faults of the object storage", () => {
  let storage: Awaited<ReturnType<typeof startForTest>>;
  before(async () => {
    storage = await startForTest();
  });
  after(() => storage.stop());
  afterEach(() => fetch(`${storage.url}/_sandbox/faults`, { method: "DELETE" }));

  async function plan(...faults: object[]): Promise<void> {
    const answer = await fetch(`${storage.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify({ faults }) });
    assert.equal(answer.status, 201, await answer.text());
  }

  async function hits(): Promise<number[]> {
    const answer = await fetch(`${storage.url}/_sandbox/faults`);
    return ((await answer.json()) as { faults: { hits: number }[] }).faults.map((fault) => fault.hits);
  }

  it("answer SlowDown as often as planned, to the part that is meant, and clients get through", async () => {
    const Bucket = await newBucket(storage);
    await plan({ operation: "UploadPart", key: "dump*", partNumber: 2, times: 2, action: { kind: "status" } });
    const client = s3Client(storage.url, root, 4);
    const Body = Buffer.alloc(11 * mebibyte, 1);
    await new Upload({ client, params: { Bucket, Key: "dump.1", Body }, partSize: 5 * mebibyte }).done();
    assert.deepEqual(await hits(), [2]);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "dump.1" }));
    assert.equal(head.ContentLength, Body.length);
  });

  it("show as the error that was asked for", async () => {
    const Bucket = await newBucket(storage);
    await plan({
      operation: "PutObject",
      action: { kind: "status", status: 500, code: "InternalError", message: "no" },
    });
    await refused(put(storage, Bucket, "a"), "InternalError", 500);
    await put(storage, Bucket, "a");
  });

  it("cut the connection in the middle of a body and leave nothing behind", async () => {
    const Bucket = await newBucket(storage);
    await plan({ operation: "UploadPart", times: null, action: { kind: "drop", afterBytes: mebibyte } });
    const Body = Buffer.alloc(11 * mebibyte, 1);
    const upload = new Upload({ client: storage.client, params: { Bucket, Key: "cut", Body }, partSize: 5 * mebibyte });
    await assert.rejects(upload.done(), /ECONNRESET|EPIPE|socket hang up/);
    await refused(storage.client.send(new HeadObjectCommand({ Bucket, Key: "cut" })), "NotFound", 404);
    const { Uploads = [] } = await storage.client.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.deepEqual(Uploads, []);
  });

  it("lose the answer to a write that was done", async () => {
    const Bucket = await newBucket(storage);
    await plan({ operation: "PutObject", key: "done", action: { kind: "drop", direction: "response" } });
    await assert.rejects(put(storage, Bucket, "done", "written", { IfNoneMatch: "*" }), /ECONNRESET|socket hang up/);
    await refused(put(storage, Bucket, "done", "again", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
  });

  it("lose the answer to a completion, which a client then repeats with success", async () => {
    const Bucket = await newBucket(storage);
    await plan({ operation: "CompleteMultipartUpload", action: { kind: "drop", direction: "response" } });
    const client = s3Client(storage.url, root, 3);
    const params = { Bucket, Key: "lost", Body: Buffer.alloc(6 * mebibyte, 1), IfNoneMatch: "*" };
    await new Upload({ client, params, partSize: 5 * mebibyte }).done();
    assert.deepEqual(await hits(), [1]);
  });

  it("cut the connection in the middle of an answer", async () => {
    const Bucket = await newBucket(storage);
    await put(storage, Bucket, "long", "x".repeat(mebibyte));
    await plan({ operation: "GetObject", action: { kind: "drop", direction: "response", afterBytes: 1000 } });
    const object = await storage.client.send(new GetObjectCommand({ Bucket, Key: "long" }));
    await assert.rejects(async () => object.Body?.transformToString(), /aborted|ECONNRESET|terminated/);
  });

  it("slow a body down to the rate that was asked for", async () => {
    const Bucket = await newBucket(storage);
    await plan({ operation: "PutObject", key: "slow", action: { kind: "slow", bytesPerSecond: 200_000 } });
    const started = performance.now();
    await storage.client.send(new PutObjectCommand({ Bucket, Key: "slow", Body: Buffer.alloc(100_000) }));
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds > 0.45, `took ${seconds} s`);
  });

  it("are refused when they make no sense, and are gone when cleared", async () => {
    const wrong = await fetch(`${storage.url}/_sandbox/faults`, {
      method: "POST",
      body: '{"faults":[{"opration":"x"}]}',
    });
    assert.equal(wrong.status, 422);
    assert.match(await wrong.text(), /opration/);
    await plan({ operation: "*", times: null, action: { kind: "status" } });
    await fetch(`${storage.url}/_sandbox/faults`, { method: "DELETE" });
    assert.deepEqual(await hits(), []);
    await newBucket(storage);
  });
});
