import type { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { Call } from "../provider.ts";

/** What the official provider calls these; the endpoint and the credentials come by AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID as there. */
export const Config = z.strictObject({
  version: z.string().optional(),
  region: z.string(),
  s3UsePathStyle: z.boolean().optional(),
  skipCredentialsValidation: z.boolean().optional(),
  skipRequestingAccountId: z.boolean().optional(),
  skipMetadataApiCheck: z.boolean().optional(),
  skipRegionValidation: z.boolean().optional(),
});

const clients: { s3?: S3; iam?: IAM } = {};

// Loaded on demand: a preview starts this provider and asks nothing of AWS.

export async function s3(call: Call): Promise<S3> {
  const { region, s3UsePathStyle = false } = Config.parse(call.config);
  const { S3 } = await import("@aws-sdk/client-s3");
  return (clients.s3 ??= new S3({ region, forcePathStyle: s3UsePathStyle, ...limits }));
}

export async function iam(call: Call): Promise<IAM> {
  const { region } = Config.parse(call.config);
  const { IAM } = await import("@aws-sdk/client-iam");
  return (clients.iam ??= new IAM({ region, ...limits }));
}

/** A stand-in never falls through to the real AWS. */
export function refuseRealAws(): void {
  const endpoint = process.env["AWS_ENDPOINT_URL"];
  const host = endpoint === undefined ? undefined : URL.parse(endpoint)?.hostname;
  if (host === undefined || !/^(127\.\d+\.\d+\.\d+|localhost|.*\.localhost|\[::1\])$/.test(host)) {
    throw new Error(
      "AWS_ENDPOINT_URL must be an address of this machine: this is the sandbox's stand-in for AWS. Run `./affexai sandbox env`.",
    );
  }
}

const limits = { maxAttempts: 3, requestHandler: { requestTimeout: 20_000, connectionTimeout: 5_000 } };

/** Whether the service says that the thing is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && missing.has(error.name);
}

const missing = new Set([
  "NotFound",
  "NoSuchBucket",
  "NoSuchBucketPolicy",
  "NoSuchCORSConfiguration",
  "NoSuchEntity",
  "NoSuchEntityException",
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "NoSuchTagSet",
  "ObjectLockConfigurationNotFoundError",
  "OwnershipControlsNotFoundError",
  "ServerSideEncryptionConfigurationNotFoundError",
]);

/** The answer, or null where the service says that the thing is not there. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
