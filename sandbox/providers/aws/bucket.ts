import type { S3 } from "@aws-sdk/client-s3";
import { z } from "zod";
import { resource } from "../provider.ts";
import { ifThere, s3 } from "./clients.ts";

const Inputs = z.strictObject({
  bucket: z.string(),
  objectLockEnabled: z.boolean().optional(),
  forceDestroy: z.literal(false).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

/** `aws:s3/bucket:Bucket`. Its id is its name. */
export const bucket = resource({
  inputs: Inputs,
  computed: ["arn"],
  replaceOn: ["bucket", "objectLockEnabled"],
  async create(inputs, call) {
    const client = await s3(call);
    const region = await client.config.region();
    await client.createBucket({
      Bucket: inputs.bucket,
      ObjectLockEnabledForBucket: inputs.objectLockEnabled ?? false,
      // us-east-1 is the one region that must not be named.
      ...(region === "us-east-1"
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: region as "eu-central-1" } }),
    });
    await putTags(client, inputs.bucket, inputs.tags);
    return { id: inputs.bucket, outputs: { arn: `arn:aws:s3:::${inputs.bucket}` } };
  },
  async read({ id, inputs }, call) {
    const client = await s3(call);
    if ((await ifThere(client.headBucket({ Bucket: id }))) === null) return null;
    const lock = await ifThere(client.getObjectLockConfiguration({ Bucket: id }));
    const tagging = await ifThere(client.getBucketTagging({ Bucket: id }));
    const locked = lock?.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
    return {
      inputs: {
        ...inputs,
        bucket: id,
        objectLockEnabled: inputs.objectLockEnabled === undefined && !locked ? undefined : locked,
        tags:
          tagging === null
            ? undefined
            : Object.fromEntries((tagging.TagSet ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
      },
    };
  },
  async update({ id, inputs: olds }, inputs, call) {
    if (JSON.stringify(olds.tags) !== JSON.stringify(inputs.tags)) await putTags(await s3(call), id, inputs.tags ?? {});
    return {};
  },
  async delete({ id }, call) {
    await ifThere((await s3(call)).deleteBucket({ Bucket: id }));
  },
});

async function putTags(client: S3, name: string, tags: Record<string, string> | undefined) {
  if (tags === undefined) return;
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await client.putBucketTagging({ Bucket: name, Tagging: { TagSet } });
}
