import assert from "node:assert/strict";
import {
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  type ListObjectsV2CommandInput,
} from "@aws-sdk/client-s3";
import { clause, newBucket, put, type Clause, type Subject } from "./subject.ts";

const keys = [
  "a.txt",
  "journal/production/000001.begun.json",
  "journal/production/000002.verified.json",
  "journal/staging/1",
  "z",
];

async function filled(subject: Subject): Promise<string> {
  const Bucket = await newBucket(subject);
  await Promise.all(keys.map((key) => put(subject, Bucket, key)));
  return Bucket;
}

async function listed(subject: Subject, input: ListObjectsV2CommandInput) {
  const answer = await subject.client.send(new ListObjectsV2Command(input));
  return {
    keys: (answer.Contents ?? []).map(({ Key }) => Key),
    prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    next: answer.NextContinuationToken,
    truncated: answer.IsTruncated,
  };
}

/** Listing keys. */
export const listings: readonly Clause[] = [
  clause("lists keys in order, by prefix and behind a key", async (subject) => {
    const Bucket = await filled(subject);
    assert.deepEqual((await listed(subject, { Bucket })).keys, keys);
    assert.deepEqual((await listed(subject, { Bucket, Prefix: "journal/production/" })).keys, keys.slice(1, 3));
    assert.deepEqual((await listed(subject, { Bucket, StartAfter: "journal/staging/1" })).keys, ["z"]);
    assert.deepEqual((await listed(subject, { Bucket, Prefix: "none" })).keys, []);
  }),
  clause("groups keys by a delimiter", async (subject) => {
    const Bucket = await filled(subject);
    const top = await listed(subject, { Bucket, Delimiter: "/" });
    assert.deepEqual([top.keys, top.prefixes], [["a.txt", "z"], ["journal/"]]);
    const below = await listed(subject, { Bucket, Delimiter: "/", Prefix: "journal/" });
    assert.deepEqual([below.keys, below.prefixes], [[], ["journal/production/", "journal/staging/"]]);
  }),
  clause("lists page by page, groups included, without losing or doubling any", async (subject) => {
    const Bucket = await filled(subject);
    const seen: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client: subject.client, pageSize: 2 }, { Bucket })) {
      assert.ok((page.KeyCount ?? 0) <= 2);
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
    }
    assert.deepEqual(seen, keys);
    const first = await listed(subject, { Bucket, Delimiter: "/", MaxKeys: 2 });
    assert.deepEqual([first.keys, first.prefixes, first.truncated], [["a.txt"], ["journal/"], true]);
    const second = await listed(subject, { Bucket, Delimiter: "/", MaxKeys: 2, ContinuationToken: first.next });
    assert.deepEqual([second.keys, second.prefixes, second.truncated], [["z"], [], false]);
  }),
  clause("lists in version 1, with markers", async (subject) => {
    const Bucket = await filled(subject);
    const first = await subject.client.send(new ListObjectsCommand({ Bucket, MaxKeys: 2 }));
    assert.deepEqual(
      first.Contents?.map(({ Key }) => Key),
      keys.slice(0, 2),
    );
    assert.equal(first.IsTruncated, true);
    const rest = await subject.client.send(new ListObjectsCommand({ Bucket, Marker: keys[1] }));
    assert.deepEqual(
      rest.Contents?.map(({ Key }) => Key),
      keys.slice(2),
    );
  }),
  clause("names the next marker in version 1 when keys are grouped", async (subject) => {
    const Bucket = await filled(subject);
    const grouped = await subject.client.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, Delimiter: "/" }));
    assert.equal(grouped.NextMarker, "journal/");
  }),
  clause("orders keys by their bytes, and encodes them when asked", async (subject) => {
    const Bucket = await newBucket(subject);
    const unicode = ["Z", "a", "é", "\uff5e", "\u{1f600}"];
    await Promise.all(unicode.map((key) => put(subject, Bucket, key)));
    assert.deepEqual((await listed(subject, { Bucket })).keys, unicode);
    const encoded = await listed(subject, { Bucket, EncodingType: "url", Prefix: "é" });
    assert.deepEqual(encoded.keys, ["%C3%A9"]);
  }),
  clause("lists versions page by page", async (subject) => {
    const Bucket = await newBucket(subject, { versioned: true });
    for (const key of ["a", "a", "b", "b"]) await put(subject, Bucket, key);
    const seen: string[] = [];
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await subject.client.send(
        new ListObjectVersionsCommand({ Bucket, MaxKeys: 3, KeyMarker, VersionIdMarker }),
      );
      seen.push(...(page.Versions ?? []).map(({ Key, VersionId }) => `${Key} ${VersionId}`));
      KeyMarker = page.IsTruncated === true ? page.NextKeyMarker : undefined;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
    assert.equal(seen.length, 4);
    assert.equal(new Set(seen).size, 4);
  }),
];
