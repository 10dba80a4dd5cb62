import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { readAlgorithm } from "../checksum/algorithms.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { StoredObject, Version } from "../store/version.ts";
import { checkWriteConditions } from "./conditions.ts";
import { checksumHeaders, encryptionHeaders, versionHeader } from "./headers.ts";
import { readSettings } from "./settings.ts";

/** S3 computes this when the client names no algorithm. */
const defaultAlgorithm = "CRC64NVME";

/** PutObject. */
export async function putObject(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const settings = readSettings(call, bucket, key);
  const named = call.headers.get("x-amz-sdk-checksum-algorithm");
  const algorithm = call.payload.algorithm ?? (named === undefined ? defaultAlgorithm : readAlgorithm(named));
  if ((settings.retention !== undefined || settings.legalHold === true) && !call.payload.isProtected) {
    throw new StorageError(
      "InvalidRequest",
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    );
  }
  const received = await call.payload.receive(bucket, algorithm);
  const object = {
    ...settings,
    kind: "object" as const,
    size: received.size,
    etag: received.md5,
    segments: [received.segment],
    checksum: { algorithm, type: "FULL_OBJECT" as const, value: received.digests.get(algorithm) ?? "" },
  };
  const stored = await commitObject(call, bucket, key, object).catch(async (error: unknown) => {
    await rm(bucket.blobPath(received.segment.blob), { force: true });
    throw error;
  });
  return {
    status: 200,
    headers: {
      etag: `"${stored.etag}"`,
      ...versionHeader(bucket, stored),
      ...encryptionHeaders(stored.encryption),
      ...checksumHeaders(stored),
    },
  };
}

/**
 * Makes an object the key's current version, if the request's write conditions hold at that moment. Its blobs belong to the
 * bucket from then on; when this throws, they are still the caller's.
 */
export async function commitObject(
  call: Call,
  bucket: Bucket,
  key: string,
  object: Omit<StoredObject, "versionId" | "lastModified">,
): Promise<StoredObject> {
  return bucket.change(key, (versions) => {
    checkWriteConditions(call, versions[0]);
    const stored: StoredObject = { ...object, versionId: newVersionId(bucket), lastModified: timeAfter(versions) };
    return { versions: [stored, ...withoutReplaced(versions, stored)], result: stored };
  });
}

/** The id that a new version gets: `null` unless versioning is enabled now. */
export function newVersionId(bucket: Bucket): string {
  return bucket.settings.versioning.Status === "Enabled" ? randomBytes(24).toString("base64url") : "null";
}

/** A `null` version takes the place of the one before it; others stay. */
export function withoutReplaced(versions: readonly Version[], added: Version): readonly Version[] {
  return added.versionId === "null" ? versions.filter(({ versionId }) => versionId !== "null") : versions;
}

/** Now, but never before the version that it follows. */
export function timeAfter(versions: readonly Version[]): string {
  const latest = versions[0] === undefined ? 0 : Date.parse(versions[0].lastModified);
  return new Date(Math.max(Date.now(), latest)).toISOString();
}
