import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { objectStorage } from "../../../operations/storage.ts";
import { startObjectStorage } from "../../../sandbox/s3/server.ts";

/** Object storage with the bucket `affexai-backups`, and the access to it. */
export async function openBucket(): Promise<{ env: Record<string, string>; close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-bucket-"));
  const keys = { accessKeyId: "release-test-key", secretAccessKey: "release-test-secret" };
  const service = await startObjectStorage({ host: "127.0.0.1", port: 0, dir, ...keys });
  const env = {
    AWS_ENDPOINT_URL: service.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  await objectStorage(env).send(new CreateBucketCommand({ Bucket: "affexai-backups" }));
  return {
    env,
    async close() {
      await service.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
