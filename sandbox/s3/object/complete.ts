import { createHash } from "node:crypto";
import { z } from "zod";
import { xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { algorithms, checksumElement, checksumHeader, checksumOfParts, type Checksum } from "../checksum/algorithms.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { PartFile, Upload } from "../store/upload.ts";
import type { StoredObject } from "../store/version.ts";
import { listOf, parseXml } from "../xml.ts";
import { encryptionHeaders, versionHeader } from "./headers.ts";
import { findUpload } from "./multipart.ts";
import { commitObject } from "./put.ts";

const minimumPartBytes = 5 * 1024 * 1024;

const NamedPart = z.strictObject({
  PartNumber: z.coerce.number().int().positive(),
  ETag: z.string(),
  ChecksumCRC32: z.string().optional(),
  ChecksumCRC32C: z.string().optional(),
  ChecksumCRC64NVME: z.string().optional(),
  ChecksumSHA1: z.string().optional(),
  ChecksumSHA256: z.string().optional(),
});
type NamedPart = z.infer<typeof NamedPart>;
const CompleteMultipartUpload = z.strictObject({ Part: listOf(NamedPart, { min: 1, max: 10_000 }) });

/**
 * CompleteMultipartUpload. Sent again with the same parts, as a client does whose answer was lost, it succeeds again while the
 * object is there (adobe/S3Mock#2586 and minio/minio#13318 saw that on S3 itself; the API Reference only promises NoSuchUpload
 * for an upload that "may have been aborted or completed"). The object's segments are the parts' own blobs, so it takes no time for its size; the object is durable
 * before the upload is forgotten.
 */
export async function completeMultipartUpload(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const id = call.query.get("uploadId") ?? "";
  const named = parseXml(
    "CompleteMultipartUpload",
    CompleteMultipartUpload,
    await call.payload.text({ claimsBody: false }),
  ).Part;
  if (named.some(({ PartNumber }, index) => PartNumber <= (named[index - 1]?.PartNumber ?? 0))) {
    throw new StorageError("InvalidPartOrder");
  }
  const before = alreadyCompleted(bucket, key, id, named);
  if (before !== undefined) return completed(bucket, key, before);
  findUpload(call, bucket);
  const stored = await bucket.uploads.end(id, async (upload) => {
    const parts = named.map((name, index) => choosePart(upload, name, index === named.length - 1));
    const size = parts.reduce((sum, { segment }) => sum + segment.size, 0);
    const expectedSize = call.headers.get("x-amz-mp-object-size");
    if (expectedSize !== undefined && Number(expectedSize) !== size) {
      throw new StorageError(
        "InvalidRequest",
        `The provided 'x-amz-mp-object-size' header value ${expectedSize} does not match what was computed: ${size}`,
      );
    }
    const checksum = checksumOfParts(
      upload.algorithm ?? "CRC64NVME",
      upload.type,
      parts.map((part) => ({ value: part.checksum, size: part.segment.size })),
    );
    checkWholeChecksum(call, checksum);
    const md5 = createHash("md5");
    for (const { etag } of parts) md5.update(Buffer.from(etag, "hex"));
    const object = await commitObject(call, bucket, key, {
      ...upload.settings,
      kind: "object",
      size,
      etag: `${md5.digest("hex")}-${parts.length}`,
      segments: parts.map(({ segment }) => segment),
      checksum,
      uploadId: id,
      parts: parts.map(({ number, segment, etag, checksum: value }) => ({
        number,
        size: segment.size,
        etag,
        checksum: { algorithm: checksum.algorithm, type: "FULL_OBJECT", value },
      })),
    });
    return { taken: parts.map(({ segment }) => segment.blob), result: object };
  });
  if (stored === undefined) throw new StorageError("NoSuchUpload", undefined, { elements: { UploadId: id } });
  return completed(bucket, key, stored);
}

/** The version that this very upload became, if it was given the same parts. */
function alreadyCompleted(
  bucket: Bucket,
  key: string,
  uploadId: string,
  named: readonly NamedPart[],
): StoredObject | undefined {
  return bucket.versions(key).find((version): version is StoredObject => {
    if (version.kind !== "object" || version.uploadId !== uploadId) return false;
    const list = (parts: readonly { number: number; etag: string }[]) =>
      JSON.stringify(parts.map(({ number, etag }) => [number, etag]));
    const asked = named.map(({ PartNumber, ETag }) => ({ number: PartNumber, etag: ETag.replaceAll('"', "") }));
    return list(version.parts ?? []) === list(asked);
  });
}

function completed(bucket: Bucket, key: string, stored: StoredObject): Answer {
  const content = {
    Location: `/${bucket.name}/${key}`,
    Bucket: bucket.name,
    Key: key,
    ETag: `"${stored.etag}"`,
    [checksumElement(stored.checksum.algorithm)]: stored.checksum.value,
    ChecksumType: stored.checksum.type,
  };
  return xmlAnswer("CompleteMultipartUploadResult", content, {
    ...versionHeader(bucket, stored),
    ...encryptionHeaders(stored.encryption),
  });
}

/** The uploaded part that the client means. Throws InvalidPart, EntityTooSmall, InvalidRequest. */
function choosePart(upload: Upload, name: NamedPart, isLast: boolean): PartFile {
  const part = upload.parts.get(name.PartNumber);
  const elements = { UploadId: upload.id, PartNumber: String(name.PartNumber), ETag: name.ETag.replaceAll('"', "") };
  if (part?.etag !== name.ETag.replaceAll('"', "")) throw new StorageError("InvalidPart", undefined, { elements });
  checkPartChecksum(upload, name, part);
  if (!isLast && part.segment.size < minimumPartBytes) {
    throw new StorageError("EntityTooSmall", undefined, {
      elements: { ...elements, ProposedSize: String(part.segment.size), MinSizeAllowed: String(minimumPartBytes) },
    });
  }
  return part;
}

function checkPartChecksum(upload: Upload, name: NamedPart, part: PartFile): void {
  for (const algorithm of algorithms) {
    const claim = name[checksumElement(algorithm)];
    if (claim !== undefined && algorithm === upload.algorithm && claim !== part.checksum) {
      throw new StorageError("InvalidPart", undefined, { elements: { PartNumber: String(part.number) } });
    }
  }
  if (upload.algorithm === undefined || upload.type !== "COMPOSITE") return;
  if (name[checksumElement(upload.algorithm)] === undefined) {
    throw new StorageError(
      "InvalidRequest",
      `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
    );
  }
}

/** A checksum of the whole object, or of the checksums, that the client sends along with the completion. */
function checkWholeChecksum(call: Call, checksum: Checksum): void {
  const type = call.headers.get("x-amz-checksum-type");
  if (type !== undefined && type !== checksum.type) {
    throw new StorageError(
      "InvalidRequest",
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const claim = call.headers.get(checksumHeader(checksum.algorithm));
  if (claim === undefined || claim.replace(/-\d+$/, "") === checksum.value.replace(/-\d+$/, "")) return;
  throw new StorageError("BadDigest", `The ${checksum.algorithm} you specified did not match the calculated checksum.`);
}
