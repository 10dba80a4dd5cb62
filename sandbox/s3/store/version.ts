import { z } from "zod";

const Checksum = z.object({
  algorithm: z.enum(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]),
  type: z.enum(["COMPOSITE", "FULL_OBJECT"]),
  value: z.string(),
});

export const Retention = z.object({ mode: z.enum(["GOVERNANCE", "COMPLIANCE"]), until: z.iso.datetime() });
export type Retention = z.infer<typeof Retention>;

/** A run of an object's bytes, in a file of the bucket's `blobs` folder. A completed multipart upload has one a part. */
export const Segment = z.object({ blob: z.string(), size: z.int().nonnegative() });
export type Segment = z.infer<typeof Segment>;

/** How the object was asked to be encrypted. The bytes on disk are not encrypted: this is a stand-in. */
export const Encryption = z.object({
  algorithm: z.string(),
  kmsKeyId: z.string().optional(),
  bucketKey: z.boolean().optional(),
});
export type Encryption = z.infer<typeof Encryption>;

const Described = {
  versionId: z.string(),
  lastModified: z.iso.datetime(),
};

/** What a put sets beside the bytes: kept from the start of a multipart upload to its end. */
export const ObjectSettings = z.object({
  /** Standard headers that are returned as they came: `content-type`, `cache-control`, … */
  headers: z.record(z.string(), z.string()),
  /** `x-amz-meta-*`, without the prefix. */
  metadata: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
  storageClass: z.string(),
  encryption: Encryption,
  retention: Retention.optional(),
  legalHold: z.boolean().optional(),
  websiteRedirect: z.string().optional(),
});
export type ObjectSettings = z.infer<typeof ObjectSettings>;

export const StoredPart = z.object({ number: z.int(), size: z.int(), etag: z.string(), checksum: Checksum.optional() });

export const StoredObject = ObjectSettings.extend({
  ...Described,
  kind: z.literal("object"),
  size: z.int().nonnegative(),
  /** Without quotes. */
  etag: z.string(),
  segments: z.array(Segment),
  checksum: Checksum,
  /** Set for completed multipart uploads: the upload's id and its parts. */
  uploadId: z.string().optional(),
  parts: z.array(StoredPart).optional(),
});
export type StoredObject = z.infer<typeof StoredObject>;

const DeleteMarker = z.object({ ...Described, kind: z.literal("marker") });

/** One version of a key; `versionId` is `null` (the text) for what was written while versioning was not enabled. */
export const Version = z.discriminatedUnion("kind", [StoredObject, DeleteMarker]);
export type Version = z.infer<typeof Version>;

/** The file that holds a key: its versions, newest first. Never empty. */
export const KeyFile = z.object({ key: z.string(), versions: z.array(Version).min(1) });
