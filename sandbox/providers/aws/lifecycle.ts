import type { LifecycleRule } from "@aws-sdk/client-s3";
import { z } from "zod";
import { bucketSetting } from "./bucket-setting.ts";
import { ifThere } from "./clients.ts";

const Rule = z.strictObject({
  id: z.string(),
  status: z.enum(["Enabled", "Disabled"]),
  filter: z.strictObject({ prefix: z.string() }),
  expiration: z
    .strictObject({ days: z.int().optional(), expiredObjectDeleteMarker: z.boolean().optional() })
    .optional(),
  noncurrentVersionExpiration: z.strictObject({ noncurrentDays: z.int() }).optional(),
  abortIncompleteMultipartUpload: z.strictObject({ daysAfterInitiation: z.int() }).optional(),
});
type Rule = z.output<typeof Rule>;

/** `aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration`. */
export const lifecycle = bucketSetting({
  fields: { rules: z.array(Rule) },
  async put(client, { bucket, rules }) {
    await client.putBucketLifecycleConfiguration({
      Bucket: bucket,
      LifecycleConfiguration: { Rules: rules.map(toService) },
    });
  },
  async get(client, bucket) {
    const answer = await ifThere(client.getBucketLifecycleConfiguration({ Bucket: bucket }));
    return answer?.Rules === undefined ? null : { rules: answer.Rules.map(fromService) };
  },
  remove: (client, bucket) => client.deleteBucketLifecycle({ Bucket: bucket }),
});

function toService(rule: Rule): LifecycleRule {
  const { expiration, noncurrentVersionExpiration: noncurrent, abortIncompleteMultipartUpload: abort } = rule;
  return {
    ID: rule.id,
    Status: rule.status,
    Filter: { Prefix: rule.filter.prefix },
    ...(expiration === undefined
      ? {}
      : { Expiration: { Days: expiration.days, ExpiredObjectDeleteMarker: expiration.expiredObjectDeleteMarker } }),
    ...(noncurrent === undefined ? {} : { NoncurrentVersionExpiration: { NoncurrentDays: noncurrent.noncurrentDays } }),
    ...(abort === undefined
      ? {}
      : { AbortIncompleteMultipartUpload: { DaysAfterInitiation: abort.daysAfterInitiation } }),
  };
}

function fromService(rule: LifecycleRule): Rule {
  const { Expiration, NoncurrentVersionExpiration, AbortIncompleteMultipartUpload } = rule;
  return {
    id: rule.ID ?? "",
    status: rule.Status === "Enabled" ? "Enabled" : "Disabled",
    filter: { prefix: rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? "" },
    ...(Expiration === undefined
      ? {}
      : {
          expiration: {
            ...(Expiration.Days === undefined ? {} : { days: Expiration.Days }),
            ...(Expiration.ExpiredObjectDeleteMarker === undefined
              ? {}
              : { expiredObjectDeleteMarker: Expiration.ExpiredObjectDeleteMarker }),
          },
        }),
    ...(NoncurrentVersionExpiration?.NoncurrentDays === undefined
      ? {}
      : { noncurrentVersionExpiration: { noncurrentDays: NoncurrentVersionExpiration.NoncurrentDays } }),
    ...(AbortIncompleteMultipartUpload?.DaysAfterInitiation === undefined
      ? {}
      : {
          abortIncompleteMultipartUpload: { daysAfterInitiation: AbortIncompleteMultipartUpload.DaysAfterInitiation },
        }),
  };
}
