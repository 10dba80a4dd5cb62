import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { xmlAnswer, noContent, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import {
  checksumElement,
  checksumHeader,
  checksumTypeFor,
  readAlgorithm,
  type ChecksumAlgorithm,
} from "../checksum/algorithms.ts";
import { StorageError } from "../error.ts";
import type { Received } from "../payload.ts";
import type { Bucket } from "../store/bucket.ts";
import type { PartFile, Upload } from "../store/upload.ts";
import type { Segment } from "../store/version.ts";
import { copyBytes, readCopySource } from "./copy.ts";
import { encryptionHeaders, versionHeader } from "./headers.ts";
import { readRange } from "./range.ts";
import { readSettings } from "./settings.ts";

const maximumParts = 10_000;

/** CreateMultipartUpload. */
export async function createMultipartUpload(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const settings = readSettings(call, bucket, key);
  const named = call.headers.get("x-amz-checksum-algorithm");
  const wantedType = call.headers.get("x-amz-checksum-type");
  if (named === undefined && wantedType !== undefined) {
    throw new StorageError(
      "InvalidRequest",
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    );
  }
  const algorithm = named === undefined ? undefined : readAlgorithm(named);
  const type = checksumTypeFor(algorithm ?? "CRC64NVME", wantedType);
  const id = randomBytes(32).toString("base64url");
  const initiator = call.principal.arn;
  await bucket.uploads.begin({
    id,
    key,
    initiated: call.now.toISOString(),
    initiator,
    settings,
    type,
    ...(algorithm === undefined ? {} : { algorithm }),
  });
  const headers = {
    ...encryptionHeaders(settings.encryption),
    "x-amz-checksum-algorithm": algorithm,
    "x-amz-checksum-type": algorithm === undefined ? undefined : type,
  };
  return xmlAnswer("InitiateMultipartUploadResult", { Bucket: bucket.name, Key: key, UploadId: id }, headers);
}

/** UploadPart. */
export async function uploadPart(call: Call): Promise<Answer> {
  const { bucket, upload, number } = readPart(call);
  const used = call.payload.algorithm;
  // Without an algorithm of its own the upload takes any checksum, and S3 computes CRC64NVME for the object.
  if (upload.algorithm !== undefined && used !== undefined && used !== upload.algorithm) {
    throw typeMismatch(upload.algorithm, used);
  }
  if (upload.algorithm !== undefined && upload.type === "COMPOSITE" && used === undefined) {
    throw typeMismatch(upload.algorithm, undefined);
  }
  if ((upload.settings.retention !== undefined || upload.settings.legalHold === true) && !call.payload.isProtected) {
    throw new StorageError(
      "InvalidRequest",
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters",
    );
  }
  const algorithm = upload.algorithm ?? "CRC64NVME";
  const received = await call.payload.receive(bucket, algorithm);
  await keepPart(bucket, upload, number, received, algorithm);
  const shown = received.claimed ?? upload.algorithm;
  return {
    status: 200,
    headers: {
      etag: `"${received.md5}"`,
      ...encryptionHeaders(upload.settings.encryption),
      ...(shown === undefined ? {} : { [checksumHeader(shown)]: received.digests.get(shown) }),
    },
  };
}

function typeMismatch(expected: ChecksumAlgorithm, actual: ChecksumAlgorithm | undefined): StorageError {
  return new StorageError(
    "InvalidRequest",
    `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual?.toLowerCase() ?? "null"}`,
  );
}

/** UploadPartCopy. */
export async function uploadPartCopy(call: Call): Promise<Answer> {
  const { bucket, upload, number } = readPart(call);
  const source = readCopySource(call);
  const wanted = call.headers.get("x-amz-copy-source-range");
  const range = readRange(wanted, source.object.size);
  if (wanted !== undefined && (range === null || !/^bytes=\d+-\d+$/.test(wanted))) {
    throw new StorageError(
      "InvalidArgument",
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  }
  const { start, length } = range ?? { start: 0, length: source.object.size };
  const algorithm = upload.algorithm ?? "CRC64NVME";
  const copied = await copyBytes(bucket, source, start, length, algorithm);
  const part = await keepPart(bucket, upload, number, copied, algorithm);
  return xmlAnswer(
    "CopyPartResult",
    {
      ETag: `"${part.etag}"`,
      LastModified: part.lastModified,
      ...(upload.algorithm === undefined ? {} : { [checksumElement(upload.algorithm)]: part.checksum }),
    },
    { "x-amz-copy-source-version-id": versionHeader(source.bucket, source.object)["x-amz-version-id"] },
  );
}

async function keepPart(
  bucket: Bucket,
  upload: Upload,
  number: number,
  received: Received & { segment: Segment },
  algorithm: ChecksumAlgorithm,
): Promise<PartFile> {
  const part = {
    number,
    segment: received.segment,
    etag: received.md5,
    lastModified: new Date().toISOString(),
    checksum: received.digests.get(algorithm) ?? "",
  };
  if (await bucket.uploads.putPart(upload.id, part)) return part;
  await rm(bucket.blobPath(received.segment.blob), { force: true });
  throw new StorageError("NoSuchUpload", undefined, { elements: { UploadId: upload.id } });
}

function readPart(call: Call): { bucket: Bucket; upload: Upload; number: number } {
  const bucket = bucketOf(call);
  const number = Number(call.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > maximumParts) {
    throw new StorageError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  }
  return { bucket, upload: findUpload(call, bucket), number };
}

/** The upload that the request names. Throws NoSuchUpload also when it is of another key. */
export function findUpload(call: Call, bucket: Bucket): Upload {
  const id = call.query.get("uploadId") ?? "";
  const upload = bucket.uploads.get(id);
  if (upload?.key !== keyOf(call)) throw new StorageError("NoSuchUpload", undefined, { elements: { UploadId: id } });
  return upload;
}

/** AbortMultipartUpload. */
export async function abortMultipartUpload(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const upload = findUpload(call, bucket);
  await bucket.uploads.end(upload.id, () => Promise.resolve({ taken: [], result: true }));
  return noContent;
}
