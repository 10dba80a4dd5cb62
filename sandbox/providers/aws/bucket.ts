import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  PutBucketTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
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
    const client = s3(call);
    const region = await client.config.region();
    await client.send(
      new CreateBucketCommand({
        Bucket: inputs.bucket,
        ObjectLockEnabledForBucket: inputs.objectLockEnabled ?? false,
        // us-east-1 is the one region that must not be named.
        ...(region === "us-east-1"
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as "eu-central-1" } }),
      }),
    );
    await putTags(client, inputs.bucket, inputs.tags);
    return { id: inputs.bucket, outputs: { arn: `arn:aws:s3:::${inputs.bucket}` } };
  },
  async read({ id, inputs }, call) {
    const client = s3(call);
    if ((await ifThere(client.send(new HeadBucketCommand({ Bucket: id })))) === null) return null;
    const lock = await ifThere(client.send(new GetObjectLockConfigurationCommand({ Bucket: id })));
    const tagging = await ifThere(client.send(new GetBucketTaggingCommand({ Bucket: id })));
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
    if (JSON.stringify(olds.tags) !== JSON.stringify(inputs.tags)) await putTags(s3(call), id, inputs.tags ?? {});
    return {};
  },
  async delete({ id }, call) {
    await ifThere(s3(call).send(new DeleteBucketCommand({ Bucket: id })));
  },
});

async function putTags(client: S3Client, name: string, tags: Record<string, string> | undefined) {
  if (tags === undefined) return;
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await client.send(new PutBucketTaggingCommand({ Bucket: name, Tagging: { TagSet } }));
}
