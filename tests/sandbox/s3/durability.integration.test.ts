import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { CreateAccessKeyCommand, CreateUserCommand, ListUsersCommand } from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { newBucket, put } from "./contract/subject.ts";
import { iamClient, root, s3Client, startForTest } from "./storage.ts";

const mebibyte = 1024 * 1024;

/** The object storage as a process of its own, which can be killed. */
async function startProcess(dir: string): Promise<{ url: string; child: ChildProcess }> {
  const server = resolve(import.meta.dirname, "../../../sandbox/s3/server.ts");
  const program = `
    import { json } from "node:stream/consumers";
    const { startObjectStorage } = await import(process.argv[1]);
    const { url } = await startObjectStorage(await json(process.stdin));
    console.log(url);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, server], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify({ host: "127.0.0.1", port: 0, dir, ...root }));
  for await (const url of createInterface({ input: child.stdout })) return { url, child };
  throw new Error("The object storage ended before it was listening.");
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Resident memory of a process, in MiB. */
async function residentMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe("the object storage's state", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "object-storage-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it("is the same after a restart: settings, versions, open uploads, users and keys", async () => {
    const first = await startForTest({ dir });
    const Bucket = await newBucket(first, { versioned: true });
    for (const body of ["1", "2"]) await put(first, Bucket, "v", body);
    const before = await first.client.send(new ListObjectVersionsCommand({ Bucket }));
    const upload = { Bucket, Key: "big" };
    const { UploadId } = await first.client.send(new CreateMultipartUploadCommand(upload));
    await first.client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: "part" }));
    const iam = iamClient(first.url);
    await iam.send(new CreateUserCommand({ UserName: "kept" }));
    await iam.send(new CreateAccessKeyCommand({ UserName: "kept" }));
    await first.close();

    const second = await startForTest({ dir });
    const after = await second.client.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(after.Versions, before.Versions);
    const { Parts = [] } = await second.client.send(new ListPartsCommand({ ...upload, UploadId }));
    assert.equal(Parts.length, 1);
    const { Users = [] } = await iamClient(second.url).send(new ListUsersCommand({}));
    assert.deepEqual(
      Users.map(({ UserName }) => UserName),
      ["kept"],
    );
    await second.close();
  });

  it("after kill -9 holds all that was acknowledged, and nothing of what was not", async () => {
    const first = await startProcess(dir);
    const client = s3Client(first.url);
    const subject = { client, url: first.url };
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "acknowledged", "kept");
    const upload = { Bucket, Key: "big" };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
    const part = await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: "part" }));
    // A body that never ends: the process dies while it is written, after its first part was acknowledged.
    async function* endless() {
      for (let count = 0; ; count++) yield Buffer.alloc(mebibyte, count);
    }
    const broken = new Upload({
      client,
      params: { Bucket, Key: "half", Body: Readable.from(endless(), { objectMode: false }) },
      partSize: 5 * mebibyte,
      leavePartsOnError: true,
    });
    const { promise: halfWay, resolve: reached } = Promise.withResolvers<void>();
    broken.on("httpUploadProgress", () => reached());
    const failure = assert.rejects(broken.done());
    await halfWay;
    await Promise.all([kill(first.child), failure]);

    const second = await startProcess(dir);
    try {
      const again = s3Client(second.url);
      const object = await again.send(new GetObjectCommand({ Bucket, Key: "acknowledged" }));
      assert.equal(await object.Body?.transformToString(), "kept");
      await assert.rejects(again.send(new GetObjectCommand({ Bucket, Key: "half" })), { name: "NoSuchKey" });
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
      await again.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }));
    } finally {
      await kill(second.child);
    }
    const third = await startForTest({ dir });
    try {
      const object = await third.client.send(new GetObjectCommand({ Bucket, Key: "big" }));
      assert.equal(await object.Body?.transformToString(), "part");
      const { Uploads = [] } = await third.client.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.deepEqual(
        Uploads.map(({ Key }) => Key),
        ["half"],
      );
      const { Parts = [] } = await third.client.send(
        new ListPartsCommand({ Bucket, Key: "half", UploadId: Uploads[0]?.UploadId }),
      );
      const blobs = await readdir(join(dir, "buckets", Bucket, "blobs"));
      assert.equal(blobs.length, 2 + Parts.length, "there is no blob but those of both objects and of the open upload");
    } finally {
      await third.close();
    }
  });

  it("needs far less memory than a large object has bytes", async function () {
    this.timeout(300_000);
    const { url, child } = await startProcess(dir);
    try {
      const client = s3Client(url);
      const Bucket = await newBucket({ client, url });
      const size = 320 * mebibyte;
      const piece = Buffer.alloc(mebibyte, "x");
      async function* pieces() {
        for (let sent = 0; sent < size; sent += piece.length) yield piece;
      }
      const Body = Readable.from(pieces(), { objectMode: false });
      await new Upload({
        client,
        params: { Bucket, Key: "large", Body },
        partSize: 64 * mebibyte,
        queueSize: 2,
      }).done();
      const object = await client.send(new GetObjectCommand({ Bucket, Key: "large" }));
      let received = 0;
      for await (const chunk of object.Body as AsyncIterable<Buffer>) received += chunk.length;
      assert.equal(received, size);
      const used = await residentMebibytes(child.pid ?? 0);
      assert.ok(used < 200, `the process needed ${used} MiB`);
    } finally {
      await kill(child);
    }
  });
});
