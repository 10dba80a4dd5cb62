import { checksumHeader } from "../checksum/algorithms.ts";
import type { Bucket } from "../store/bucket.ts";
import type { Encryption, StoredObject, Version } from "../store/version.ts";

/** Headers that any answer about a version carries. The version is named only once the bucket has seen versioning. */
export function versionHeader(bucket: Bucket, version: Version): Record<string, string | undefined> {
  return { "x-amz-version-id": bucket.settings.versioning.Status === undefined ? undefined : version.versionId };
}

/** How the object is encrypted, as answers of puts and reads say it. */
export function encryptionHeaders(encryption: Encryption): Record<string, string | undefined> {
  return {
    "x-amz-server-side-encryption": encryption.algorithm,
    "x-amz-server-side-encryption-aws-kms-key-id": encryption.kmsKeyId,
    "x-amz-server-side-encryption-bucket-key-enabled": encryption.bucketKey === true ? "true" : undefined,
  };
}

export function checksumHeaders({ checksum }: Pick<StoredObject, "checksum">): Record<string, string> {
  return { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };
}

/** What GetObject and HeadObject say of an object, without its length. */
export function objectHeaders(bucket: Bucket, object: StoredObject): Record<string, string | undefined> {
  return {
    ...object.headers,
    ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.lastModified).toUTCString(),
    "accept-ranges": "bytes",
    ...versionHeader(bucket, object),
    ...encryptionHeaders(object.encryption),
    "x-amz-storage-class": object.storageClass === "STANDARD" ? undefined : object.storageClass,
    "x-amz-tagging-count": Object.keys(object.tags).length === 0 ? undefined : String(Object.keys(object.tags).length),
    "x-amz-object-lock-mode": object.retention?.mode,
    "x-amz-object-lock-retain-until-date": object.retention?.until,
    "x-amz-object-lock-legal-hold": object.legalHold === undefined ? undefined : object.legalHold ? "ON" : "OFF",
    "x-amz-website-redirect-location": object.websiteRedirect,
  };
}
