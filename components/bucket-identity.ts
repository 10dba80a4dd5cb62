import * as pulumi from "@pulumi/pulumi";
import { AccessKey } from "@pulumi/aws/iam/accessKey.js";
import { User } from "@pulumi/aws/iam/user.js";
import { UserPolicy } from "@pulumi/aws/iam/userPolicy.js";

export interface BucketIdentityArgs {
  /** The IAM user's name. */
  user: string;
  bucket: string;
  /** Allowed on the bucket itself. */
  bucketActions: string[];
  /** Allowed on objects whose keys fit one of `objects`, which may end in `*`. */
  objectActions: string[];
  objects: string[];
  /** Keys that it may also write, which may end in `*`. */
  writes?: string[];
  /** Keys that it may also lock, which may end in `*`. */
  locks?: string[];
  /** Keys that it may also read, which may end in `*`. */
  reads?: string[];
}

/** A user that may do exactly what is listed, in one bucket, and its access key. */
export class BucketIdentity extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:storage:BucketIdentity";
  readonly arn: pulumi.Output<string>;
  readonly accessKeyId: pulumi.Output<string>;
  /** Secret. */
  readonly secretAccessKey: pulumi.Output<string>;

  constructor(name: string, args: BucketIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super(BucketIdentity.__pulumiType, name, args, opts);
    const child = { parent: this };
    const arns = (keys: string[]) => keys.map((key) => `arn:aws:s3:::${args.bucket}/${key}`);
    const user = new User(`${name}-user`, { name: args.user }, child);
    const permissions = new UserPolicy(
      `${name}-permissions`,
      {
        name: "bucket",
        user: user.name,
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Action: args.bucketActions, Resource: `arn:aws:s3:::${args.bucket}` },
            { Effect: "Allow", Action: args.objectActions, Resource: arns(args.objects) },
            ...(args.writes === undefined
              ? []
              : [{ Effect: "Allow", Action: "s3:PutObject", Resource: arns(args.writes) }]),
            ...(args.locks === undefined
              ? []
              : [{ Effect: "Allow", Action: "s3:PutObjectRetention", Resource: arns(args.locks) }]),
            ...(args.reads === undefined
              ? []
              : [{ Effect: "Allow", Action: "s3:GetObject", Resource: arns(args.reads) }]),
          ],
        }),
      },
      child,
    );
    // Nobody gets the key before it is allowed what it is for.
    const key = new AccessKey(`${name}-key`, { user: user.name }, { ...child, dependsOn: [permissions] });
    this.arn = user.arn;
    this.accessKeyId = key.id;
    this.secretAccessKey = pulumi.secret(key.secret);
    this.registerOutputs({ arn: this.arn, accessKeyId: this.accessKeyId, secretAccessKey: this.secretAccessKey });
  }
}
