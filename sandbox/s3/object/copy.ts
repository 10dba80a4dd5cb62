import { rm } from "node:fs/promises";
import { authorize } from "../access/authorize.ts";
import { xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { checksumElement, readAlgorithm, type ChecksumAlgorithm } from "../checksum/algorithms.ts";
import { StorageError } from "../error.ts";
import { storeBlob, Sums, type Received } from "../payload.ts";
import type { Bucket } from "../store/bucket.ts";
import type { ObjectSettings, Segment, StoredObject } from "../store/version.ts";
import { readBytes } from "./bytes.ts";
import { checkReadConditions, readConditionsOf } from "./conditions.ts";
import { findObject } from "./find.ts";
import { encryptionHeaders, versionHeader } from "./headers.ts";
import { commitObject } from "./put.ts";
import { readSettings } from "./settings.ts";

const maximumCopyBytes = 5 * 1024 ** 3;

export interface CopySource {
  readonly bucket: Bucket;
  readonly key: string;
  readonly object: StoredObject;
}

/** CopyObject: the bytes, with the source's description or a new one. */
export async function copyObject(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const source = readCopySource(call);
  const replaces = readDirective(call, "x-amz-metadata-directive");
  const replacesTags = readDirective(call, "x-amz-tagging-directive");
  const changes = ["x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location"];
  const ontoItself =
    source.bucket === bucket && source.key === key && !call.headers.get("x-amz-copy-source")?.includes("versionId=");
  if (ontoItself && !replaces && !changes.some((name) => call.headers.has(name))) {
    throw new StorageError(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  if (source.object.size > maximumCopyBytes)
    throw new StorageError(
      "InvalidRequest",
      "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
    );
  const settings: ObjectSettings = readSettings(call, bucket, key);
  const named = call.headers.get("x-amz-checksum-algorithm");
  const { checksum } = source.object;
  const algorithm = named === undefined ? checksum.algorithm : readAlgorithm(named);
  const copied = await copyBytes(bucket, source, 0, source.object.size, algorithm);
  const object = {
    ...settings,
    ...(replaces ? {} : { headers: source.object.headers, metadata: source.object.metadata }),
    tags: replacesTags ? settings.tags : source.object.tags,
    kind: "object" as const,
    size: copied.size,
    etag: copied.md5,
    segments: [copied.segment],
    checksum: { algorithm, type: "FULL_OBJECT" as const, value: copied.digests.get(algorithm) ?? "" },
  };
  const stored = await commitObject(call, bucket, key, object).catch(async (error: unknown) => {
    await rm(bucket.blobPath(copied.segment.blob), { force: true });
    throw error;
  });
  const content = {
    ETag: `"${stored.etag}"`,
    LastModified: stored.lastModified,
    ChecksumType: stored.checksum.type,
    [checksumElement(algorithm)]: stored.checksum.value,
  };
  return xmlAnswer("CopyObjectResult", content, {
    ...versionHeader(bucket, stored),
    ...encryptionHeaders(stored.encryption),
    "x-amz-copy-source-version-id": versionHeader(source.bucket, source.object)["x-amz-version-id"],
  });
}

/** Finds the object that `x-amz-copy-source` names, if the caller may read it and its conditions hold. */
export function readCopySource(call: Call): CopySource {
  const [path = "", query = ""] = (call.headers.get("x-amz-copy-source") ?? "").split("?", 2);
  const match = /^\/?([^/]+)\/(.+)$/.exec(decode(path));
  if (match === null) {
    throw new StorageError(
      "InvalidArgument",
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    );
  }
  const [, bucketName = "", key = ""] = match;
  const versionId = new URLSearchParams(query).get("versionId") ?? undefined;
  const bucket = call.storage.bucket(bucketName);
  const target = { bucket: bucketName, key, ...(versionId === undefined ? {} : { versionId }) };
  authorize(call, versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion", target);
  const object = findObject(call, bucket, key, versionId);
  try {
    checkReadConditions(readConditionsOf(call, "x-amz-copy-source-"), object);
  } catch (error) {
    // A copy has no body to leave out, so "not modified" is a failed condition there.
    if (error instanceof StorageError && error.code === "NotModified") throw new StorageError("PreconditionFailed");
    throw error;
  }
  return { bucket, key, object };
}

/** Copies a run of a source's bytes into a new blob of the bucket. */
export async function copyBytes(
  bucket: Bucket,
  source: CopySource,
  start: number,
  length: number,
  algorithm: ChecksumAlgorithm,
): Promise<Received & { segment: Segment }> {
  return storeBlob(bucket, async function* (report) {
    const sums = new Sums([algorithm]);
    for await (const piece of readBytes(source.bucket, source.object.segments, start, length)) {
      sums.update(piece);
      yield piece;
    }
    const copied = sums.end(undefined);
    if (copied.size !== length) throw new StorageError("NoSuchKey");
    report(copied);
  });
}

function readDirective(call: Call, header: string): boolean {
  const directive = call.headers.get(header) ?? "COPY";
  if (directive !== "COPY" && directive !== "REPLACE") {
    throw new StorageError(
      "InvalidArgument",
      `Unknown ${header.includes("tagging") ? "tagging" : "metadata"} directive.`,
    );
  }
  return directive === "REPLACE";
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new StorageError("InvalidArgument", "Invalid copy source encoding");
  }
}
