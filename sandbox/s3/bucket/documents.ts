import { z } from "zod";
import { listOf } from "../xml.ts";

/** Text from XML that stands for a truth value or a number. JSON of the state files is accepted too. */
const flag = z
  .union([z.boolean(), z.enum(["true", "false", "TRUE", "FALSE"])])
  .transform((value) => value === true || String(value).toLowerCase() === "true");
const count = z.coerce.number().int().nonnegative();
const days = z.coerce.number().int().positive();
const empty = z.union([z.string(), z.strictObject({})]).transform(() => "");
const text = z.union([z.string(), empty]);

const Tag = z.strictObject({ Key: z.string().min(1).max(128), Value: text });
/** `Tagging` of buckets and objects. */
export const Tagging = z.strictObject({
  TagSet: z.union([empty.transform(() => ({ Tag: [] })), z.strictObject({ Tag: listOf(Tag) })]),
});

export const Versioning = z.strictObject({
  Status: z.enum(["Enabled", "Suspended"]).optional(),
  MfaDelete: z.enum(["Disabled"]).optional(),
});

export const ServerSideEncryption = z.strictObject({
  Rule: listOf(
    z.strictObject({
      ApplyServerSideEncryptionByDefault: z
        .strictObject({
          SSEAlgorithm: z.enum(["AES256", "aws:kms", "aws:kms:dsse"]),
          KMSMasterKeyID: z.string().optional(),
        })
        .optional(),
      BucketKeyEnabled: flag.optional(),
      BlockedEncryptionTypes: z.strictObject({ EncryptionType: listOf(z.enum(["NONE", "SSE-C"])) }).optional(),
    }),
    { min: 1, max: 1 },
  ),
});

export const PublicAccessBlock = z.strictObject({
  BlockPublicAcls: flag.default(false),
  IgnorePublicAcls: flag.default(false),
  BlockPublicPolicy: flag.default(false),
  RestrictPublicBuckets: flag.default(false),
});
export type PublicAccessBlock = z.infer<typeof PublicAccessBlock>;

export const OwnershipControls = z.strictObject({
  Rule: z.strictObject({ ObjectOwnership: z.enum(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]) }),
});

export const ObjectLock = z.strictObject({
  ObjectLockEnabled: z.literal("Enabled"),
  Rule: z
    .strictObject({
      DefaultRetention: z
        .strictObject({ Mode: z.enum(["GOVERNANCE", "COMPLIANCE"]), Days: days.optional(), Years: days.optional() })
        .refine((retention) => (retention.Days === undefined) !== (retention.Years === undefined)),
    })
    .optional(),
});
export type ObjectLock = z.infer<typeof ObjectLock>;

export const Cors = z.strictObject({
  CORSRule: listOf(
    z.strictObject({
      ID: z.string().max(255).optional(),
      AllowedHeader: listOf(z.string()),
      AllowedMethod: listOf(z.enum(["GET", "PUT", "HEAD", "POST", "DELETE"]), { min: 1 }),
      AllowedOrigin: listOf(z.string(), { min: 1 }),
      ExposeHeader: listOf(z.string()),
      MaxAgeSeconds: count.optional(),
    }),
    { min: 1, max: 100 },
  ),
});

const predicates = {
  Prefix: text.optional(),
  ObjectSizeGreaterThan: count.optional(),
  ObjectSizeLessThan: days.optional(),
};
const storageClass = z.enum([
  "GLACIER",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
]);
const Filter = z.union([
  empty.transform(() => ({})),
  z
    .strictObject({
      ...predicates,
      Tag: Tag.optional(),
      And: z.strictObject({ ...predicates, Tag: listOf(Tag) }).optional(),
    })
    .refine((filter) => Object.values(filter).filter((value) => value !== undefined).length <= 1),
]);

const LifecycleRule = z
  .strictObject({
    ID: z.string().max(255).optional(),
    Status: z.enum(["Enabled", "Disabled"]),
    Prefix: text.optional(),
    Filter: Filter.optional(),
    Expiration: z
      .strictObject({ Days: days.optional(), Date: z.string().optional(), ExpiredObjectDeleteMarker: flag.optional() })
      .refine((expiration) => Object.values(expiration).filter((value) => value !== undefined).length === 1)
      .optional(),
    NoncurrentVersionExpiration: z
      .strictObject({ NoncurrentDays: days, NewerNoncurrentVersions: days.optional() })
      .optional(),
    AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: days }).optional(),
    Transition: listOf(
      z.strictObject({ Days: count.optional(), Date: z.string().optional(), StorageClass: storageClass }),
    ),
    NoncurrentVersionTransition: listOf(
      z.strictObject({ NoncurrentDays: count, NewerNoncurrentVersions: days.optional(), StorageClass: storageClass }),
    ),
  })
  .refine((rule) => (rule.Prefix === undefined) !== (rule.Filter === undefined))
  .refine(
    (rule) =>
      rule.Expiration !== undefined ||
      rule.NoncurrentVersionExpiration !== undefined ||
      rule.AbortIncompleteMultipartUpload !== undefined ||
      rule.Transition.length + rule.NoncurrentVersionTransition.length > 0,
  );
export type LifecycleRule = z.infer<typeof LifecycleRule>;

export const Lifecycle = z.strictObject({ Rule: listOf(LifecycleRule, { min: 1, max: 1000 }) });
export type Lifecycle = z.infer<typeof Lifecycle>;
