import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { startObjectStorage, type ObjectStorageOptions } from "../../../sandbox/s3/server.ts";

export const root = { accessKeyId: "ROOTACCESSKEY", secretAccessKey: "a root secret of the tests" };
export const region = "eu-central-1";

/** A client with these credentials that tries once, so that a test sees each answer. */
export function s3Client(endpoint: string, credentials = root, maxAttempts = 1): S3Client {
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts });
}

export function iamClient(endpoint: string, credentials = root): IAMClient {
  return new IAMClient({ endpoint, region, credentials, maxAttempts: 1 });
}

/** An object storage on a free port with a folder of its own; `stop` removes both. */
export async function startForTest(options: Partial<ObjectStorageOptions> = {}) {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "object-storage-")));
  const storage = await startObjectStorage({ host: "127.0.0.1", port: 0, dir, ...root, ...options });
  const client = s3Client(storage.url);
  return {
    url: storage.url,
    dir,
    client,
    close: () => storage.close(),
    async stop() {
      client.destroy();
      await storage.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
