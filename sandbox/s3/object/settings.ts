import { authorize } from "../access/authorize.ts";
import type { Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { Encryption, ObjectSettings, Retention } from "../store/version.ts";
import { readTagHeader } from "./tags.ts";

/** Headers that an object keeps and returns as they came. */
const keptHeaders = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];
const storageClasses = [
  "STANDARD",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "GLACIER_IR",
  "DEEP_ARCHIVE",
  "REDUCED_REDUNDANCY",
];
const maximumMetadataBytes = 2048;

/**
 * Everything but the bytes that a put, a copy or the start of a multipart upload sets, from its headers and the bucket's defaults.
 * Throws for what S3 refuses, and AccessDenied when the caller may put but not tag or lock.
 */
export function readSettings(call: Call, bucket: Bucket, key: string): ObjectSettings {
  const target = { bucket: bucket.name, key };
  checkAcl(call, bucket);
  const retention = readRetention(call, bucket);
  const hold = readLegalHold(call.headers.get("x-amz-object-lock-legal-hold"));
  const tags = readTagHeader(call.headers.get("x-amz-tagging"));
  if (call.headers.has("x-amz-object-lock-mode")) authorize(call, "s3:PutObjectRetention", target);
  if (hold !== undefined) authorize(call, "s3:PutObjectLegalHold", target);
  if (Object.keys(tags).length > 0) authorize(call, "s3:PutObjectTagging", target);
  if ((hold !== undefined || call.headers.has("x-amz-object-lock-mode")) && bucket.settings.objectLock === undefined) {
    throw new StorageError("InvalidRequest", "Bucket is missing Object Lock Configuration");
  }
  return {
    ...readDescription(call),
    tags,
    storageClass: readStorageClass(call),
    encryption: readEncryption(call, bucket),
    ...(retention === undefined ? {} : { retention }),
    ...(hold === undefined ? {} : { legalHold: hold }),
  };
}

/** Content headers and user metadata. `aws-chunked` is how the bytes travelled, not what they are. */
export function readDescription(call: Call): Pick<ObjectSettings, "headers" | "metadata" | "websiteRedirect"> {
  const headers: Record<string, string> = { "content-type": "binary/octet-stream" };
  for (const name of keptHeaders) {
    const value = call.headers.get(name);
    if (value === undefined) continue;
    const kept = name === "content-encoding" ? withoutAwsChunked(value) : value;
    if (kept !== "") headers[name] = kept;
  }
  const metadata: Record<string, string> = {};
  for (const [name, value] of call.headers) {
    if (name.startsWith("x-amz-meta-")) metadata[name.slice("x-amz-meta-".length)] = value;
  }
  const bytes = Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join("")), 0);
  if (bytes > maximumMetadataBytes) {
    throw new StorageError("MetadataTooLarge", undefined, {
      elements: { Size: String(bytes), MaxSizeAllowed: String(maximumMetadataBytes) },
    });
  }
  const websiteRedirect = call.headers.get("x-amz-website-redirect-location");
  return { headers, metadata, ...(websiteRedirect === undefined ? {} : { websiteRedirect }) };
}

function withoutAwsChunked(value: string): string {
  return value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "aws-chunked")
    .join(",");
}

function readStorageClass(call: Call): string {
  const name = call.headers.get("x-amz-storage-class") ?? "STANDARD";
  if (!storageClasses.includes(name)) {
    throw new StorageError("InvalidArgument", `The storage class you specified is not valid: ${name}`);
  }
  return name;
}

function readEncryption(call: Call, bucket: Bucket): Encryption {
  const rule = bucket.settings.encryption.Rule[0];
  const byDefault = rule?.ApplyServerSideEncryptionByDefault;
  const algorithm = call.headers.get("x-amz-server-side-encryption") ?? byDefault?.SSEAlgorithm ?? "AES256";
  if (!["AES256", "aws:kms", "aws:kms:dsse"].includes(algorithm)) {
    throw new StorageError("InvalidArgument", "The encryption method specified is not supported");
  }
  if (call.headers.has("x-amz-server-side-encryption-customer-algorithm")) throw new StorageError("NotImplemented");
  if (algorithm === "AES256") return { algorithm };
  const kmsKeyId = call.headers.get("x-amz-server-side-encryption-aws-kms-key-id") ?? byDefault?.KMSMasterKeyID;
  const asked = call.headers.get("x-amz-server-side-encryption-bucket-key-enabled");
  return {
    algorithm,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    bucketKey: asked === undefined ? rule?.BucketKeyEnabled === true : asked === "true",
  };
}

/** With ACLs off, S3 accepts only the one that says so. */
function checkAcl(call: Call, bucket: Bucket): void {
  const acl = call.headers.get("x-amz-acl");
  const grants = [...call.headers.keys()].some((name) => name.startsWith("x-amz-grant-"));
  if (acl === undefined && !grants) return;
  if (bucket.settings.ownershipControls?.Rule.ObjectOwnership !== "BucketOwnerEnforced") {
    if (!grants && (acl === "private" || acl === "bucket-owner-full-control")) return;
    throw new StorageError(
      "NotImplemented",
      "This object storage has no ACLs: only private and bucket-owner-full-control are understood",
    );
  }
  if (grants || acl !== "bucket-owner-full-control") throw new StorageError("AccessControlListNotSupported");
}

/** The retention that the request asks for, or else the bucket's default. */
function readRetention(call: Call, bucket: Bucket): Retention | undefined {
  const mode = call.headers.get("x-amz-object-lock-mode");
  const until = call.headers.get("x-amz-object-lock-retain-until-date");
  if ((mode === undefined) !== (until === undefined)) {
    throw new StorageError(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    );
  }
  if (mode !== undefined && until !== undefined) return checkedRetention(mode, until, call.now);
  const byDefault = bucket.settings.objectLock?.Rule?.DefaultRetention;
  if (byDefault === undefined) return undefined;
  const end = new Date(call.now);
  if (byDefault.Days !== undefined) end.setUTCDate(end.getUTCDate() + byDefault.Days);
  else end.setUTCFullYear(end.getUTCFullYear() + (byDefault.Years ?? 0));
  return { mode: byDefault.Mode, until: end.toISOString() };
}

/** Throws InvalidArgument for an unknown mode and for a date that is malformed or past. */
export function checkedRetention(mode: string, until: string, now: Date): Retention {
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE") {
    throw new StorageError("InvalidArgument", "Unknown wormMode directive.");
  }
  const end = new Date(until);
  if (Number.isNaN(end.getTime())) {
    throw new StorageError("InvalidArgument", "The retain until date must be provided in ISO 8601 format");
  }
  if (end <= now) throw new StorageError("InvalidArgument", "The retain until date must be in the future!");
  return { mode, until: end.toISOString() };
}

function readLegalHold(header: string | undefined): boolean | undefined {
  if (header === undefined) return undefined;
  if (header !== "ON" && header !== "OFF") {
    throw new StorageError("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'");
  }
  return header === "ON";
}
