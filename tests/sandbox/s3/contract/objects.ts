import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type ChecksumAlgorithm,
} from "@aws-sdk/client-s3";
import { refused } from "../refusal.ts";
import { clause, newBucket, put, type Clause } from "./subject.ts";

const checksums: readonly [ChecksumAlgorithm, string][] = [
  ["CRC32", "ChecksumCRC32"],
  ["CRC32C", "ChecksumCRC32C"],
  ["CRC64NVME", "ChecksumCRC64NVME"],
  ["SHA1", "ChecksumSHA1"],
  ["SHA256", "ChecksumSHA256"],
];
/** Of the text `123456789`, base64: the published check values of the CRCs. */
const known: Readonly<Record<string, string>> = {
  ChecksumCRC32: "y/Q5Jg==",
  ChecksumCRC32C: "4waSgw==",
  ChecksumCRC64NVME: Buffer.from("ae8b14860a799888", "hex").toString("base64"),
  ChecksumSHA1: createHash("sha1").update("123456789").digest("base64"),
  ChecksumSHA256: createHash("sha256").update("123456789").digest("base64"),
};

/** Objects: bytes, descriptions, conditions, checksums, copies, deletions. */
export const objects: readonly Clause[] = [
  clause("returns the bytes, the type and the user's metadata of what was put", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const Key = "a folder/with spaces & ünïcode+plus=%25.txt";
    const { ETag } = await put(subject, Bucket, Key, "hello", {
      ContentType: "text/plain",
      CacheControl: "no-cache",
      Metadata: { sha256: "abc", owner: "backup" },
    });
    assert.equal(ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
    const object = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await object.Body?.transformToString(), "hello");
    assert.equal(object.ContentType, "text/plain");
    assert.equal(object.CacheControl, "no-cache");
    assert.deepEqual(object.Metadata, { sha256: "abc", owner: "backup" });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    assert.deepEqual([head.ContentLength, head.ETag, head.Metadata], [5, ETag, object.Metadata]);
  }),
  clause("stores an empty object", async (subject) => {
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "empty", "");
    const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "empty" }));
    assert.deepEqual([object.ContentLength, await object.Body?.transformToString()], [0, ""]);
  }),
  clause(
    "stores a stream that arrives as aws-chunked with a trailing checksum, without its framing",
    async (subject) => {
      const Bucket = await newBucket(subject);
      const bytes = Buffer.alloc(300_000, "stream");
      await subject.client.send(
        new PutObjectCommand({ Bucket, Key: "s", Body: Readable.from([bytes]), ContentLength: bytes.length }),
      );
      const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "s" }));
      assert.equal(object.ContentEncoding, undefined);
      assert.ok(bytes.equals((await object.Body?.transformToByteArray()) ?? Buffer.alloc(0)));
    },
  ),
  clause("answers 404 for keys and buckets that are not there", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: "none" })), "NoSuchKey", 404);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: "none" })), "NotFound", 404);
    await refused(client.send(new GetObjectCommand({ Bucket: `${Bucket}-no`, Key: "a" })), "NoSuchBucket", 404);
  }),
  clause("returns ranges: from the front, from the back, open, and refuses what is behind the end", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "r", "0123456789");
    const read = async (Range: string) => {
      const part = await client.send(new GetObjectCommand({ Bucket, Key: "r", Range }));
      return [await part.Body?.transformToString(), part.ContentRange];
    };
    assert.deepEqual(await read("bytes=2-4"), ["234", "bytes 2-4/10"]);
    assert.deepEqual(await read("bytes=7-"), ["789", "bytes 7-9/10"]);
    assert.deepEqual(await read("bytes=-3"), ["789", "bytes 7-9/10"]);
    assert.deepEqual(await read("bytes=8-99"), ["89", "bytes 8-9/10"]);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: "r", Range: "bytes=10-" })), "InvalidRange", 416);
  }),
  clause("obeys the conditions of a read", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const { ETag } = await put(subject, Bucket, "c");
    const read = (conditions: object) => client.send(new GetObjectCommand({ Bucket, Key: "c", ...conditions }));
    await read({ IfMatch: ETag });
    await refused(read({ IfMatch: '"other"' }), "PreconditionFailed", 412);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: "c", IfNoneMatch: ETag })), "Unknown", 304);
    await refused(read({ IfUnmodifiedSince: new Date(0) }), "PreconditionFailed", 412);
  }),
  clause("writes with If-None-Match: * only where nothing is", async (subject) => {
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "once", "first", { IfNoneMatch: "*" });
    await refused(put(subject, Bucket, "once", "second", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
    const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "once" }));
    assert.equal(await object.Body?.transformToString(), "first");
  }),
  clause("lets exactly one of many writers with If-None-Match: * win", async (subject) => {
    const Bucket = await newBucket(subject);
    const writers = Array.from({ length: 8 }, (_, writer) =>
      put(subject, Bucket, "race", `${writer}`, { IfNoneMatch: "*" }),
    );
    const outcomes = await Promise.allSettled(writers);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  }),
  clause("writes with If-Match only over the version that is meant", async (subject) => {
    const Bucket = await newBucket(subject);
    const { ETag } = await put(subject, Bucket, "m", "first");
    await put(subject, Bucket, "m", "second", { IfMatch: ETag });
    await refused(put(subject, Bucket, "m", "third", { IfMatch: ETag }), "PreconditionFailed", 412);
    await refused(put(subject, Bucket, "none", "x", { IfMatch: ETag }), "NoSuchKey", 404);
  }),
  ...checksums.map(([ChecksumAlgorithm, field]) =>
    clause(`returns the ${ChecksumAlgorithm} of an object`, async (subject) => {
      const Bucket = await newBucket(subject);
      await put(subject, Bucket, "sum", "123456789", { ChecksumAlgorithm });
      const head = await subject.client.send(new HeadObjectCommand({ Bucket, Key: "sum", ChecksumMode: "ENABLED" }));
      assert.equal({ ...head }[field as keyof typeof head], known[field]);
    }),
  ),
  clause("refuses a body that is not what its checksum says, whatever the algorithm", async (subject) => {
    const Bucket = await newBucket(subject);
    for (const [, field] of checksums) {
      await refused(put(subject, Bucket, "sum", "1234", { [field]: known[field] }), "BadDigest", 400);
    }
    await refused(subject.client.send(new GetObjectCommand({ Bucket, Key: "sum" })), "NoSuchKey", 404);
  }),
  clause("refuses a body that is not what Content-MD5 says", async (subject) => {
    const Bucket = await newBucket(subject);
    const ContentMD5 = createHash("md5").update("another").digest("base64");
    await refused(put(subject, Bucket, "md5", "content", { ContentMD5 }), "BadDigest", 400);
    await refused(put(subject, Bucket, "md5", "content", { ContentMD5: "not a digest" }), "InvalidDigest", 400);
    await refused(subject.client.send(new GetObjectCommand({ Bucket, Key: "md5" })), "NoSuchKey", 404);
  }),
  clause("keeps the tags of an object", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "t", "x", { Tagging: "reason=hourly&kept=yes" });
    const tags = async () => (await client.send(new GetObjectTaggingCommand({ Bucket, Key: "t" }))).TagSet;
    assert.deepEqual(await tags(), [
      { Key: "reason", Value: "hourly" },
      { Key: "kept", Value: "yes" },
    ]);
    const TagSet = [{ Key: "reason", Value: "daily" }];
    await client.send(new PutObjectTaggingCommand({ Bucket, Key: "t", Tagging: { TagSet } }));
    assert.deepEqual(await tags(), TagSet);
  }),
  clause("copies an object with its description, or with a new one", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "from me", "bytes", { Metadata: { a: "1" }, ContentType: "text/plain" });
    const CopySource = `${Bucket}/${encodeURIComponent("from me")}`;
    await client.send(new CopyObjectCommand({ Bucket, Key: "same", CopySource }));
    const same = await client.send(new GetObjectCommand({ Bucket, Key: "same" }));
    assert.deepEqual(
      [await same.Body?.transformToString(), same.Metadata, same.ContentType],
      ["bytes", { a: "1" }, "text/plain"],
    );
    await client.send(
      new CopyObjectCommand({ Bucket, Key: "new", CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } }),
    );
    assert.deepEqual((await client.send(new HeadObjectCommand({ Bucket, Key: "new" }))).Metadata, { b: "2" });
    const ontoItself = new CopyObjectCommand({ Bucket, Key: "from me", CopySource });
    await refused(client.send(ontoItself), "InvalidRequest", 400);
    const missing = new CopyObjectCommand({ Bucket, Key: "x", CopySource: `${Bucket}/none` });
    await refused(client.send(missing), "NoSuchKey", 404);
  }),
  clause("tells the attributes that are asked for", async (subject) => {
    const Bucket = await newBucket(subject);
    const { ETag } = await put(subject, Bucket, "a", "12345", { ChecksumAlgorithm: "SHA256" });
    const attributes = await subject.client.send(
      new GetObjectAttributesCommand({ Bucket, Key: "a", ObjectAttributes: ["ETag", "ObjectSize", "Checksum"] }),
    );
    assert.equal(attributes.ETag, ETag?.replaceAll('"', ""));
    assert.equal(attributes.ObjectSize, 5);
    assert.equal(attributes.Checksum?.ChecksumSHA256, createHash("sha256").update("12345").digest("base64"));
    assert.equal(attributes.StorageClass, undefined);
  }),
  clause("deletes an object, and succeeds when there is none", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "d");
    await client.send(new DeleteObjectCommand({ Bucket, Key: "d" }));
    await refused(client.send(new GetObjectCommand({ Bucket, Key: "d" })), "NoSuchKey", 404);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "d" }));
  }),
  clause("deletes many keys at once", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await Promise.all(["a", "b & <c>", "d"].map((key) => put(subject, Bucket, key)));
    const Objects = [{ Key: "a" }, { Key: "b & <c>" }, { Key: "never" }];
    const { Deleted = [], Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    assert.deepEqual(Deleted.map(({ Key }) => Key).sort(), ["a", "b & <c>", "never"]);
    assert.equal(Errors, undefined);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: "a" })), "NotFound", 404);
    await client.send(new HeadObjectCommand({ Bucket, Key: "d" }));
  }),
];
