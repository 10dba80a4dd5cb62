import assert from "node:assert/strict";
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { refused } from "../refusal.ts";
import { clause, newBucket, put, type Clause, type Subject } from "./subject.ts";

async function text({ client }: Subject, Bucket: string, Key: string, VersionId?: string) {
  return (await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
}

/** Versions, delete markers, and what versioning was when. */
export const versions: readonly Clause[] = [
  clause("keeps every version, newest first", async (subject) => {
    const Bucket = await newBucket(subject, { versioned: true });
    const ids = [];
    for (const body of ["1", "2", "3"]) ids.push((await put(subject, Bucket, "v", body)).VersionId);
    assert.equal(new Set(ids).size, 3);
    assert.equal(await text(subject, Bucket, "v"), "3");
    assert.equal(await text(subject, Bucket, "v", ids[0]), "1");
    const { Versions = [] } = await subject.client.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(
      Versions.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
      [
        [ids[2], true],
        [ids[1], false],
        [ids[0], false],
      ],
    );
  }),
  clause("hides a deleted object behind a marker, and shows it again without", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { versioned: true });
    const { VersionId } = await put(subject, Bucket, "v", "kept");
    const marker = await client.send(new DeleteObjectCommand({ Bucket, Key: "v" }));
    assert.equal(marker.DeleteMarker, true);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: "v" })), "NoSuchKey", 404);
    assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
    assert.equal(await text(subject, Bucket, "v", VersionId), "kept");
    const byId = new HeadObjectCommand({ Bucket, Key: "v", VersionId: marker.VersionId });
    await refused(client.send(byId), "Unknown", 405);
    const { DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(
      DeleteMarkers.map((item) => [item.VersionId, item.IsLatest]),
      [[marker.VersionId, true]],
    );
    await client.send(new DeleteObjectCommand({ Bucket, Key: "v", VersionId: marker.VersionId }));
    assert.equal(await text(subject, Bucket, "v"), "kept");
  }),
  clause("writes with If-None-Match: * over a delete marker", async (subject) => {
    const Bucket = await newBucket(subject, { versioned: true });
    await put(subject, Bucket, "v", "old");
    await subject.client.send(new DeleteObjectCommand({ Bucket, Key: "v" }));
    await put(subject, Bucket, "v", "new", { IfNoneMatch: "*" });
    assert.equal(await text(subject, Bucket, "v"), "new");
  }),
  clause("keeps what was there before versioning as version null, and replaces it while suspended", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "v", "before");
    const versioning = (Status: "Enabled" | "Suspended") =>
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    await versioning("Enabled");
    const { VersionId } = await put(subject, Bucket, "v", "during");
    assert.equal(await text(subject, Bucket, "v", "null"), "before");
    await versioning("Suspended");
    await put(subject, Bucket, "v", "after");
    assert.equal(await text(subject, Bucket, "v", "null"), "after");
    assert.equal(await text(subject, Bucket, "v", VersionId), "during");
  }),
  clause("deletes single versions for good, also many at once, and then the bucket", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { versioned: true });
    for (const body of ["1", "2"]) await put(subject, Bucket, "v", body);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "v" }));
    await refused(client.send(new DeleteBucketCommand({ Bucket })), "BucketNotEmpty", 409);
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    assert.equal(Objects.length, 3);
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await client.send(new DeleteBucketCommand({ Bucket }));
  }),
  clause("refuses an unknown version", async (subject) => {
    const Bucket = await newBucket(subject, { versioned: true });
    const { VersionId = "" } = await put(subject, Bucket, "v");
    await subject.client.send(new DeleteObjectCommand({ Bucket, Key: "v", VersionId }));
    const gone = new GetObjectCommand({ Bucket, Key: "v", VersionId });
    await refused(subject.client.send(gone), "NoSuchVersion", 404);
  }),
];
