import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import type * as pulumi from "@pulumi/pulumi";

/** What every bucket here has: protected from deletion, closed to the public, without ACLs, versioned, encrypted. Children of `parent`. */
export function privateBucket(
  name: string,
  args: Pick<ConstructorParameters<typeof Bucket>[1] & object, "bucket" | "objectLockEnabled" | "tags">,
  parent: pulumi.Resource,
) {
  const child = { parent };
  const storage = new Bucket(`${name}-bucket`, { ...args, forceDestroy: false }, { ...child, protect: true });
  const bucket = storage.bucket;
  const privacy = new BucketPublicAccessBlock(
    `${name}-privacy`,
    { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    child,
  );
  const ownership = new BucketOwnershipControls(
    `${name}-ownership`,
    { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    child,
  );
  const versioning = new BucketVersioning(
    `${name}-versioning`,
    { bucket, versioningConfiguration: { status: "Enabled" } },
    child,
  );
  const encryption = new BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    { bucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: false }] },
    child,
  );
  return { storage, bucket, privacy, ownership, versioning, encryption };
}
