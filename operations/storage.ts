import { S3Client } from "@aws-sdk/client-s3";
import { OperationError } from "./error.ts";
import type { Context } from "./verb.ts";

/**
 * An S3 client from the standard variables AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and, for a
 * store that is not AWS, AWS_ENDPOINT_URL (which also switches to path-style addresses). Without keys the SDK's own chain is used.
 */
export function objectStorage(env: Context["env"]): S3Client {
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env;
  if (AWS_REGION === undefined || AWS_REGION === "") {
    throw new OperationError("usage", {
      where: "AWS_REGION",
      what: "is not set.",
      next: "Set it to the region of the backup bucket.",
    });
  }
  return new S3Client({
    region: AWS_REGION,
    ...(AWS_ENDPOINT_URL ? { endpoint: AWS_ENDPOINT_URL, forcePathStyle: true } : {}),
    ...(AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
      ? {
          credentials: {
            accessKeyId: AWS_ACCESS_KEY_ID,
            secretAccessKey: AWS_SECRET_ACCESS_KEY,
            ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
          },
        }
      : {}),
  });
}
