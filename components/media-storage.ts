import * as pulumi from "@pulumi/pulumi";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketCorsConfiguration } from "@pulumi/aws/s3/bucketCorsConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import { BucketIdentity } from "./bucket-identity.ts";

export interface MediaStorageArgs {
  /** The bucket's name, unique in the whole of S3. */
  bucket: string;
  /** Origins whose pages may upload and read with the links they are given, for example `https://affexai.com`. */
  origins: string[];
}

/** The application's upload bucket, private and versioned: pages reach it by the links that the backend signs. */
export class MediaStorage extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:storage:MediaStorage";
  readonly bucket: pulumi.Output<string>;
  /** What the backend signs with: it reads, writes and deletes objects of this bucket and nothing else. */
  readonly identity: BucketIdentity;

  constructor(name: string, args: MediaStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super(MediaStorage.__pulumiType, name, args, opts);
    const child = { parent: this };
    const storage = new Bucket(
      `${name}-bucket`,
      { bucket: args.bucket, forceDestroy: false },
      { ...child, protect: true },
    );
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
    const cors = new BucketCorsConfiguration(
      `${name}-cors`,
      {
        bucket,
        corsRules: [
          {
            allowedOrigins: args.origins,
            allowedMethods: ["GET", "HEAD", "PUT", "POST"],
            allowedHeaders: ["*"],
            exposeHeaders: ["ETag"],
            maxAgeSeconds: 3600,
          },
        ],
      },
      child,
    );
    this.identity = new BucketIdentity(
      `${name}-application`,
      {
        user: `${args.bucket}-application`,
        bucket: args.bucket,
        bucketActions: ["s3:ListBucket", "s3:GetBucketLocation"],
        objectActions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        objects: ["*"],
      },
      child,
    );
    const inPlace = [privacy, ownership, versioning, encryption, cors].map((piece) => piece.id);
    this.bucket = pulumi.all([bucket, pulumi.all(inPlace)]).apply(([value]) => value);
    this.registerOutputs({ bucket: this.bucket });
  }
}
