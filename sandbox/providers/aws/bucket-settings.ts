import { z } from "zod";
import { ifThere } from "./clients.ts";
import { bucketSetting } from "./bucket-setting.ts";

export const publicAccessBlock = bucketSetting({
  fields: {
    blockPublicAcls: z.boolean(),
    blockPublicPolicy: z.boolean(),
    ignorePublicAcls: z.boolean(),
    restrictPublicBuckets: z.boolean(),
  },
  async put(client, { bucket, ...wanted }) {
    await client.putPublicAccessBlock({
      Bucket: bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: wanted.blockPublicAcls,
        BlockPublicPolicy: wanted.blockPublicPolicy,
        IgnorePublicAcls: wanted.ignorePublicAcls,
        RestrictPublicBuckets: wanted.restrictPublicBuckets,
      },
    });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getPublicAccessBlock({ Bucket: bucket }));
    const found = answer?.PublicAccessBlockConfiguration;
    if (found === undefined) return null;
    return {
      blockPublicAcls: found.BlockPublicAcls === true,
      blockPublicPolicy: found.BlockPublicPolicy === true,
      ignorePublicAcls: found.IgnorePublicAcls === true,
      restrictPublicBuckets: found.RestrictPublicBuckets === true,
    };
  },
  remove: (client, bucket) => client.deletePublicAccessBlock({ Bucket: bucket }),
});

const Ownership = z.enum(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]);

export const ownershipControls = bucketSetting({
  fields: { rule: z.strictObject({ objectOwnership: Ownership }) },
  async put(client, { bucket, rule }) {
    const Rules = [{ ObjectOwnership: rule.objectOwnership }];
    await client.putBucketOwnershipControls({ Bucket: bucket, OwnershipControls: { Rules } });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getBucketOwnershipControls({ Bucket: bucket }));
    const found = answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
    return found === undefined ? null : { rule: { objectOwnership: Ownership.parse(found) } };
  },
  remove: (client, bucket) => client.deleteBucketOwnershipControls({ Bucket: bucket }),
});

const VersioningStatus = z.enum(["Enabled", "Suspended"]);

export const versioning = bucketSetting({
  fields: { versioningConfiguration: z.strictObject({ status: VersioningStatus }) },
  async put(client, { bucket, versioningConfiguration }) {
    await client.putBucketVersioning({
      Bucket: bucket,
      VersioningConfiguration: { Status: versioningConfiguration.status },
    });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getBucketVersioning({ Bucket: bucket }));
    if (answer?.Status === undefined) return null;
    return { versioningConfiguration: { status: VersioningStatus.parse(answer.Status) } };
  },
  // Versioning can never be taken away again. The official provider suspends it, which S3 refuses on a locked bucket.
  async remove(client, bucket) {
    const lock = await ifThere(client.getObjectLockConfiguration({ Bucket: bucket }));
    if (lock !== null) return;
    await client.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: "Suspended" } });
  },
});

export const encryption = bucketSetting({
  fields: {
    rules: z.array(
      z.strictObject({
        applyServerSideEncryptionByDefault: z.strictObject({ sseAlgorithm: z.enum(["AES256"]) }),
        bucketKeyEnabled: z.boolean(),
      }),
    ),
  },
  async put(client, { bucket, rules }) {
    await client.putBucketEncryption({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: rules.map(({ applyServerSideEncryptionByDefault, bucketKeyEnabled }) => ({
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: applyServerSideEncryptionByDefault.sseAlgorithm },
          BucketKeyEnabled: bucketKeyEnabled,
        })),
      },
    });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getBucketEncryption({ Bucket: bucket }));
    const rules = answer?.ServerSideEncryptionConfiguration?.Rules;
    if (rules === undefined) return null;
    return {
      rules: rules.map(({ ApplyServerSideEncryptionByDefault: found, BucketKeyEnabled }) => ({
        applyServerSideEncryptionByDefault: { sseAlgorithm: (found?.SSEAlgorithm ?? "") as "AES256" },
        bucketKeyEnabled: BucketKeyEnabled === true,
      })),
    };
  },
  remove: (client, bucket) => client.deleteBucketEncryption({ Bucket: bucket }),
});

const Mode = z.enum(["GOVERNANCE", "COMPLIANCE"]);

export const objectLock = bucketSetting({
  fields: {
    objectLockEnabled: z.literal("Enabled"),
    rule: z.strictObject({ defaultRetention: z.strictObject({ mode: Mode, days: z.int() }) }),
  },
  async put(client, { bucket, rule }) {
    await client.putObjectLockConfiguration({
      Bucket: bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: "Enabled",
        Rule: { DefaultRetention: { Mode: rule.defaultRetention.mode, Days: rule.defaultRetention.days } },
      },
    });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getObjectLockConfiguration({ Bucket: bucket }));
    const found = answer?.ObjectLockConfiguration?.Rule?.DefaultRetention;
    if (found === undefined) return null;
    const rule = { defaultRetention: { mode: Mode.parse(found.Mode), days: found.Days ?? 0 } };
    return { objectLockEnabled: "Enabled" as const, rule };
  },
  // Object lock stays on for ever; only the default retention can go.
  remove: (client, bucket) =>
    client.putObjectLockConfiguration({
      Bucket: bucket,
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
    }),
});

export const policy = bucketSetting({
  fields: { policy: z.string() },
  async put(client, inputs) {
    await client.putBucketPolicy({ Bucket: inputs.bucket, Policy: inputs.policy });
  },
  async get(client, bucket, known) {
    const answer = await ifThere(client.getBucketPolicy({ Bucket: bucket }));
    if (answer?.Policy === undefined) return null;
    return { policy: sameDocument(answer.Policy, known.policy) ? known.policy : answer.Policy };
  },
  remove: (client, bucket) => client.deleteBucketPolicy({ Bucket: bucket }),
});

export const cors = bucketSetting({
  fields: {
    corsRules: z.array(
      z.strictObject({
        allowedOrigins: z.array(z.string()),
        allowedMethods: z.array(z.string()),
        allowedHeaders: z.array(z.string()),
        exposeHeaders: z.array(z.string()),
        maxAgeSeconds: z.int(),
      }),
    ),
  },
  async put(client, { bucket, corsRules }) {
    const CORSRules = corsRules.map((rule) => ({
      AllowedOrigins: rule.allowedOrigins,
      AllowedMethods: rule.allowedMethods,
      AllowedHeaders: rule.allowedHeaders,
      ExposeHeaders: rule.exposeHeaders,
      MaxAgeSeconds: rule.maxAgeSeconds,
    }));
    await client.putBucketCors({ Bucket: bucket, CORSConfiguration: { CORSRules } });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getBucketCors({ Bucket: bucket }));
    if (answer?.CORSRules === undefined) return null;
    return {
      corsRules: answer.CORSRules.map((rule) => ({
        allowedOrigins: rule.AllowedOrigins ?? [],
        allowedMethods: rule.AllowedMethods ?? [],
        allowedHeaders: rule.AllowedHeaders ?? [],
        exposeHeaders: rule.ExposeHeaders ?? [],
        maxAgeSeconds: rule.MaxAgeSeconds ?? 0,
      })),
    };
  },
  remove: (client, bucket) => client.deleteBucketCors({ Bucket: bucket }),
});

/** A service may write the same JSON in another way. */
function sameDocument(a: string, b: string): boolean {
  const canonical = (text: string) =>
    JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
        : value,
    );
  return canonical(a) === canonical(b);
}
