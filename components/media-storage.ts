import * as pulumi from "@pulumi/pulumi";
import { BucketCorsConfiguration } from "@pulumi/aws/s3/bucketCorsConfiguration.js";
import { BucketIdentity } from "./bucket-identity.ts";
import { privateBucket } from "./private-bucket.ts";

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
    const { bucket, privacy, ownership, versioning, encryption } = privateBucket(name, { bucket: args.bucket }, this);
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
