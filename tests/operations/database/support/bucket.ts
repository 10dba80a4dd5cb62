import { CreateBucketCommand, PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import { objectStorage } from "../../../../operations/storage.ts";

/** A bucket as BackupStorage makes it: versioned, and every object locked for a day. */
export async function createBackupBucket(env: Record<string, string>, bucket: string): Promise<void> {
  const storage = objectStorage(env);
  await storage.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
  await storage.send(
    new PutObjectLockConfigurationCommand({
      Bucket: bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: "Enabled",
        Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } },
      },
    }),
  );
}
