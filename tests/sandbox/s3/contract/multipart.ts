import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { PassThrough, Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { refused } from "../refusal.ts";
import { clause, newBucket, put, type Clause, type Subject } from "./subject.ts";

const mebibyte = 1024 * 1024;
const big = Buffer.alloc(5 * mebibyte, "part one ");
const small = Buffer.from("the last part may be small");

async function begin({ client }: Subject, Bucket: string, more: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "big", ...more }));
  return { Bucket, Key: "big", UploadId };
}

type Begun = Awaited<ReturnType<typeof begin>>;

async function send({ client }: Subject, upload: Begun, PartNumber: number, Body: Buffer, more: object = {}) {
  const { ETag, ...sums } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body, ...more }));
  const { ChecksumCRC32, ChecksumSHA256 } = sums;
  return { PartNumber, ETag, ChecksumCRC32, ChecksumSHA256 } satisfies CompletedPart;
}

function complete({ client }: Subject, upload: Begun, Parts: CompletedPart[], more: object = {}) {
  return client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));
}

function crc32Base64(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
}

/** Multipart uploads. */
export const multipart: readonly Clause[] = [
  clause("puts parts together in order, whatever order they came in", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket, { ContentType: "application/x-dump", Metadata: { a: "b" } });
    const last = await send(subject, upload, 7, small);
    const first = await send(subject, upload, 2, big);
    const { Parts = [] } = await subject.client.send(new ListPartsCommand(upload));
    assert.deepEqual(
      Parts.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag]),
      [
        [2, big.length, first.ETag],
        [7, small.length, last.ETag],
      ],
    );
    const { ETag } = await complete(subject, upload, [first, last]);
    const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest();
    assert.equal(ETag, `"${md5(Buffer.concat([md5(big), md5(small)])).toString("hex")}-2"`);
    const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "big" }));
    assert.ok(Buffer.concat([big, small]).equals((await object.Body?.transformToByteArray()) ?? Buffer.alloc(0)));
    assert.deepEqual([object.ContentType, object.Metadata], ["application/x-dump", { a: "b" }]);
    const across = `bytes=${big.length - 4}-${big.length + 3}`;
    const middle = await subject.client.send(new GetObjectCommand({ Bucket, Key: "big", Range: across }));
    assert.equal(await middle.Body?.transformToString(), big.subarray(-4).toString() + small.subarray(0, 4).toString());
  }),
  clause("completes again for a client that lost the answer", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    const part = await send(subject, upload, 1, small);
    const { ETag } = await complete(subject, upload, [part], { IfNoneMatch: "*" });
    assert.equal((await complete(subject, upload, [part], { IfNoneMatch: "*" })).ETag, ETag);
  }),
  clause("replaces a part that is sent again", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    await send(subject, upload, 1, Buffer.from("first try"));
    const part = await send(subject, upload, 1, Buffer.from("second try"));
    await complete(subject, upload, [part]);
    const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "big" }));
    assert.equal(await object.Body?.transformToString(), "second try");
  }),
  clause("refuses parts that are too small, unknown or of another content", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    const one = await send(subject, upload, 1, small);
    const two = await send(subject, upload, 2, small);
    await refused(complete(subject, upload, [one, two]), "EntityTooSmall", 400);
    await refused(complete(subject, upload, [{ ...two, PartNumber: 3 }]), "InvalidPart", 400);
    await refused(complete(subject, upload, [{ ...one, ETag: `"${"0".repeat(32)}"` }]), "InvalidPart", 400);
    await complete(subject, upload, [one]);
  }),
  clause("refuses parts out of order", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    const parts = [await send(subject, upload, 1, big), await send(subject, upload, 2, big)];
    await refused(complete(subject, upload, parts.toReversed()), "InvalidPartOrder", 400);
  }),
  clause("refuses part numbers outside of 1 to 10000", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    for (const number of [0, 10_001]) await refused(send(subject, upload, number, small), "InvalidArgument", 400);
  }),
  clause("forgets an aborted upload and its parts", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    const part = await send(subject, upload, 1, small);
    const open = async () => (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];
    assert.deepEqual(
      (await open()).map(({ Key, UploadId }) => [Key, UploadId]),
      [["big", upload.UploadId]],
    );
    await client.send(new AbortMultipartUploadCommand(upload));
    assert.deepEqual(await open(), []);
    await refused(complete(subject, upload, [part]), "NoSuchUpload", 404);
    await refused(client.send(new ListPartsCommand(upload)), "NoSuchUpload", 404);
  }),
  clause("takes no part for an aborted upload", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket);
    await subject.client.send(new AbortMultipartUploadCommand(upload));
    await refused(send(subject, upload, 2, small), "NoSuchUpload", 404);
  }),
  clause("completes with If-None-Match: * only where nothing is", async (subject) => {
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "big", "already there");
    const upload = await begin(subject, Bucket);
    const part = await send(subject, upload, 1, small);
    await refused(complete(subject, upload, [part], { IfNoneMatch: "*" }), "PreconditionFailed", 412);
    await complete(subject, upload, [part]);
  }),
  clause("gives a full-object CRC32 that is the CRC32 of the bytes", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket, { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const options = { ChecksumAlgorithm: "CRC32" };
    const parts = [await send(subject, upload, 1, big, options), await send(subject, upload, 2, small, options)];
    const wanted = crc32Base64(Buffer.concat([big, small]));
    const completed = await complete(subject, upload, parts, { ChecksumType: "FULL_OBJECT", ChecksumCRC32: wanted });
    assert.deepEqual([completed.ChecksumCRC32, completed.ChecksumType], [wanted, "FULL_OBJECT"]);
    const head = await subject.client.send(new HeadObjectCommand({ Bucket, Key: "big", ChecksumMode: "ENABLED" }));
    assert.equal(head.ChecksumCRC32, wanted);
  }),
  clause("refuses to complete what is not what the full-object checksum says", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket, { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const part = await send(subject, upload, 1, small, { ChecksumAlgorithm: "CRC32" });
    const wrong = { ChecksumType: "FULL_OBJECT", ChecksumCRC32: crc32Base64(big) };
    await refused(complete(subject, upload, [part], wrong), "BadDigest", 400);
  }),
  clause("gives a composite SHA-256 over the checksums of the parts", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket, { ChecksumAlgorithm: "SHA256" });
    const options = { ChecksumAlgorithm: "SHA256" };
    const parts = [await send(subject, upload, 1, big, options), await send(subject, upload, 2, small, options)];
    const completed = await complete(subject, upload, parts);
    const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
    const wanted = sha(Buffer.concat([sha(big), sha(small)])).toString("base64");
    assert.deepEqual([completed.ChecksumSHA256, completed.ChecksumType], [`${wanted}-2`, "COMPOSITE"]);
    const { ObjectParts } = await subject.client.send(
      new GetObjectAttributesCommand({ Bucket, Key: "big", ObjectAttributes: ["ObjectParts"] }),
    );
    assert.equal(ObjectParts?.TotalPartsCount, 2);
  }),
  clause("wants the checksum of each part when the upload is composite", async (subject) => {
    const Bucket = await newBucket(subject);
    const upload = await begin(subject, Bucket, { ChecksumAlgorithm: "SHA256" });
    const part = await send(subject, upload, 1, small, { ChecksumAlgorithm: "SHA256" });
    await refused(complete(subject, upload, [{ ...part, ChecksumSHA256: undefined }]), "InvalidRequest", 400);
  }),
  clause("refuses a full-object SHA-256, which cannot be had from parts", async (subject) => {
    const Bucket = await newBucket(subject);
    const impossible = begin(subject, Bucket, { ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" });
    await refused(impossible, "InvalidRequest", 400);
  }),
  clause("copies a range of an object into a part", async (subject) => {
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "source", "0123456789");
    const upload = await begin(subject, Bucket);
    const { CopyPartResult } = await subject.client.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber: 1,
        CopySource: `${Bucket}/source`,
        CopySourceRange: "bytes=2-5",
      }),
    );
    await complete(subject, upload, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    const object = await subject.client.send(new GetObjectCommand({ Bucket, Key: "big" }));
    assert.equal(await object.Body?.transformToString(), "2345");
  }),
  clause("takes a stream of unknown length through lib-storage", async (subject) => {
    const Bucket = await newBucket(subject);
    const pieces = Array.from({ length: 12 }, (_, index) => Buffer.alloc(mebibyte, index));
    const upload = new Upload({
      client: subject.client,
      params: {
        Bucket,
        Key: "stream",
        Body: Readable.from(pieces, { objectMode: false }),
        IfNoneMatch: "*",
        ChecksumAlgorithm: "CRC32",
        ChecksumType: "FULL_OBJECT",
      },
      partSize: 5 * mebibyte,
    });
    const completed = await upload.done();
    assert.equal(completed.ChecksumCRC32, crc32Base64(Buffer.concat(pieces)));
    const head = await subject.client.send(new HeadObjectCommand({ Bucket, Key: "stream", PartNumber: 2 }));
    assert.deepEqual([head.PartsCount, head.ContentLength], [3, 5 * mebibyte]);
  }),
  clause("is left without object and upload when the stream breaks", async (subject) => {
    const Bucket = await newBucket(subject);
    const Body = new PassThrough();
    const upload = new Upload({
      client: subject.client,
      params: { Bucket, Key: "broken", Body },
      partSize: 5 * mebibyte,
    });
    upload.on("httpUploadProgress", () => Body.destroy(new Error("pg_dump ended with exit code 1")));
    Body.write(Buffer.alloc(6 * mebibyte));
    await assert.rejects(upload.done(), /pg_dump ended/);
    const { Uploads = [] } = await subject.client.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.deepEqual(Uploads, []);
    await refused(subject.client.send(new HeadObjectCommand({ Bucket, Key: "broken" })), "NotFound", 404);
  }),
];
