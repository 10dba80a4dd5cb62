import { z } from "zod";
import {
  Cors,
  Lifecycle,
  ObjectLock,
  OwnershipControls,
  PublicAccessBlock,
  ServerSideEncryption,
  Tagging,
  Versioning,
} from "../bucket/documents.ts";

/** A bucket's settings, each in the shape of its XML document; one that is missing was never set, or was deleted. */
export const BucketSettings = z.object({
  versioning: Versioning,
  encryption: ServerSideEncryption,
  lifecycle: Lifecycle.optional(),
  publicAccessBlock: PublicAccessBlock.optional(),
  ownershipControls: OwnershipControls.optional(),
  objectLock: ObjectLock.optional(),
  cors: Cors.optional(),
  tagging: Tagging.optional(),
  /** The policy's JSON as it was put. */
  policy: z.string().optional(),
});
export type BucketSettings = z.infer<typeof BucketSettings>;

/** The file `bucket.json`. */
export const BucketFile = z.object({
  name: z.string(),
  region: z.string(),
  createdAt: z.iso.datetime(),
  settings: BucketSettings,
});
export type BucketFile = z.infer<typeof BucketFile>;

/** What S3 encrypts with since January 2023 when nobody says otherwise. */
export const defaultEncryption: BucketSettings["encryption"] = {
  Rule: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: false }],
};

/** A new bucket as S3 makes it since April 2023: public access blocked, ACLs off, encrypted with SSE-S3. */
export function newBucketFile(name: string, region: string, objectLock: boolean, now: Date): BucketFile {
  return {
    name,
    region,
    createdAt: now.toISOString(),
    settings: {
      versioning: objectLock ? { Status: "Enabled" } : {},
      encryption: defaultEncryption,
      publicAccessBlock: {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true,
      },
      ownershipControls: { Rule: { ObjectOwnership: "BucketOwnerEnforced" } },
      ...(objectLock ? { objectLock: { ObjectLockEnabled: "Enabled" } } : {}),
    },
  };
}
