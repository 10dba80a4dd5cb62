import * as pulumi from "@pulumi/pulumi";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import type { BackupReason } from "../operations/backup/spec.ts";
import type { z } from "zod";
import { BucketIdentity } from "./bucket-identity.ts";
import { privateBucket } from "./private-bucket.ts";

/** Days that a backup is kept, by why it was made. */
export type Retention = Record<z.infer<typeof BackupReason>, number>;

export interface BackupStorageArgs {
  /** The bucket's name, unique in the whole of S3. */
  bucket: string;
  environment: string;
  /**
   * No version of any object can be deleted before this many days, by anyone (governance mode). Backups that are kept longer may be locked
   * as long, by whoever writes them.
   */
  lockDays: number;
  keepDays: Retention;
}

/**
 * The bucket of backups and of the ledger: private, versioned, encrypted, locked.
 *
 * Backups are pruned by `affexai backup prune` and, 90 days later, expire by the prefix they are kept under,
 * `backups/<environment>/<reason>/`; `releases/` and `journal/` never do. Of a lease only the newest version counts, and older ones go.
 * Three identities: the writer cannot delete, the reader only reads and records its
 * drills, and only the pruner may delete, and only backups. Nobody can write over anything but a lease that is as it was read; what was written over all the same, where
 * the storage does not know that rule, is kept as long as a backup of its kind.
 */
export class BackupStorage extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:storage:BackupStorage";
  /** The bucket's name, once everything that protects it is in place. */
  readonly bucket: pulumi.Output<string>;
  readonly writer: BucketIdentity;
  readonly reader: BucketIdentity;
  readonly pruner: BucketIdentity;

  constructor(name: string, args: BackupStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super(BackupStorage.__pulumiType, name, args, opts);
    if (args.lockDays < 1) {
      throw new pulumi.ResourceError(
        `lockDays must be at least 1, got ${args.lockDays}. Give the days no backup may be deleted in.`,
        this,
        true,
      );
    }
    const child = { parent: this };
    const { bucket, privacy, ownership, versioning, encryption } = privateBucket(
      name,
      { bucket: args.bucket, objectLockEnabled: true, tags: { environment: args.environment } },
      this,
    );
    // Object lock and rules about old versions are refused by S3 until versioning is on.
    const afterVersioning = { ...child, dependsOn: [versioning] };
    const lock = new BucketObjectLockConfiguration(
      `${name}-lock`,
      {
        bucket,
        objectLockEnabled: "Enabled",
        rule: { defaultRetention: { mode: "GOVERNANCE", days: args.lockDays } },
      },
      afterVersioning,
    );
    const lifecycle = new BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      { bucket, rules: lifecycleRules(args.environment, args.keepDays) },
      afterVersioning,
    );

    const backups = `backups/${args.environment}/*`;
    this.writer = new BucketIdentity(
      `${name}-writer`,
      {
        user: `${args.bucket}-writer`,
        bucket: args.bucket,
        // It refuses to write where nothing would be protected, and looks whether what it wrote is.
        bucketActions: [
          "s3:ListBucket",
          "s3:GetBucketLocation",
          "s3:GetBucketVersioning",
          "s3:GetBucketObjectLockConfiguration",
        ],
        objectActions: ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:AbortMultipartUpload"],
        objects: ["*"],
        writes: ["backups", "drills", "releases", "leases", "journal", "journal-copy"].map(
          (folder) => `${folder}/${args.environment}/*`,
        ),
        // As long as a backup is kept, which the bucket's policy says: nobody could take a longer lock back.
        locks: [backups],
      },
      child,
    );
    this.reader = new BucketIdentity(
      `${name}-reader`,
      {
        user: `${args.bucket}-reader`,
        bucket: args.bucket,
        bucketActions: ["s3:ListBucket", "s3:GetBucketLocation"],
        objectActions: ["s3:GetObject", "s3:GetObjectVersion"],
        objects: ["*"],
        // What it proved.
        writes: [`drills/${args.environment}/*`],
      },
      child,
    );
    this.pruner = new BucketIdentity(
      `${name}-pruner`,
      {
        user: `${args.bucket}-pruner`,
        bucket: args.bucket,
        bucketActions: [
          "s3:ListBucket",
          "s3:ListBucketVersions",
          "s3:ListBucketMultipartUploads",
          "s3:GetBucketLocation",
        ],
        objectActions: [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectRetention",
          "s3:GetObjectLegalHold",
          "s3:DeleteObject",
          "s3:DeleteObjectVersion",
          "s3:AbortMultipartUpload",
        ],
        objects: [backups],
        // Which backups a release needs, and which were drilled.
        reads: ["journal", "releases", "drills"].map((folder) => `${folder}/${args.environment}/*`),
      },
      child,
    );
    // S3 refuses a bucket policy while it cannot yet tell that the policy is not a public one.
    const policy = new BucketPolicy(
      `${name}-policy`,
      { bucket, policy: bucketPolicy(args, backups, this.pruner.arn) },
      { ...child, dependsOn: [privacy] },
    );

    const inPlace = [privacy, ownership, versioning, encryption, lock, lifecycle, policy].map((piece) => piece.id);
    this.bucket = pulumi.all([bucket, pulumi.all(inPlace)]).apply(([value]) => value);
    this.registerOutputs({ bucket: this.bucket });
  }
}

/** The storage's own expiry comes so much later than the pruner's, who looks before it deletes (docs/decisions/0007). */
const backstopDays = 90;

/** Every rule names its prefix, so that nothing outside `backups/` can expire but what a lease was before. */
function lifecycleRules(environment: string, keepDays: Retention) {
  const enabled = { status: "Enabled" };
  return [
    ...Object.entries(keepDays).map(([reason, days]) => ({
      ...enabled,
      id: `expire-${reason}`,
      filter: { prefix: `backups/${environment}/${reason}/` },
      expiration: { days: days + backstopDays },
      noncurrentVersionExpiration: { noncurrentDays: days },
    })),
    {
      ...enabled,
      id: "drop-markers-of-expired-backups",
      filter: { prefix: `backups/${environment}/` },
      expiration: { expiredObjectDeleteMarker: true },
    },
    {
      ...enabled,
      id: "abort-unfinished-uploads",
      filter: { prefix: `backups/${environment}/` },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    },
    {
      // Every renewal leaves one. The bucket's lock keeps it for its days all the same, and nobody may delete it.
      ...enabled,
      id: "drop-versions-of-leases",
      filter: { prefix: `leases/${environment}/` },
      noncurrentVersionExpiration: { noncurrentDays: 1 },
    },
  ];
}

/** Denials only: what an identity may do is said by its own policy. */
function bucketPolicy(
  { bucket, environment, keepDays, lockDays }: BackupStorageArgs,
  backups: string,
  pruner: pulumi.Output<string>,
) {
  const leases = `arn:aws:s3:::${bucket}/leases/${environment}/*`;
  const everything = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const deletes = ["s3:DeleteObject", "s3:DeleteObjectVersion"];
  const deny = { Effect: "Deny", Principal: "*" };
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "DenyInsecureTransport",
        ...deny,
        Action: "s3:*",
        Resource: everything,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
      {
        Sid: "DenyDeletesExceptPruner",
        ...deny,
        Action: deletes,
        Resource: `arn:aws:s3:::${bucket}/*`,
        Condition: { ArnNotEquals: { "aws:PrincipalArn": pruner } },
      },
      { Sid: "DenyDeletesOutsideBackups", ...deny, Action: deletes, NotResource: `arn:aws:s3:::${bucket}/${backups}` },
      {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html; parts of an upload have no condition.
        Sid: "DenyWritingOver",
        ...deny,
        Action: "s3:PutObject",
        NotResource: leases,
        Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
      },
      {
        Sid: "DenyWritingOverUnseenLeases",
        ...deny,
        Action: "s3:PutObject",
        Resource: leases,
        Condition: {
          Null: { "s3:if-none-match": "true", "s3:if-match": "true" },
          Bool: { "s3:ObjectCreationOperation": "true" },
        },
      },
      {
        Sid: "DenyLockingWithoutReturn",
        ...deny,
        Action: "s3:PutObjectRetention",
        Resource: `arn:aws:s3:::${bucket}/*`,
        Condition: { StringNotEquals: { "s3:object-lock-mode": "GOVERNANCE" } },
      },
      ...Object.entries(keepDays).map(([reason, days]) => ({
        Sid: `DenyLockingLongerThanKept${reason.replace("-", "")}`,
        ...deny,
        Action: "s3:PutObjectRetention",
        Resource: `arn:aws:s3:::${bucket}/backups/${environment}/${reason}/*`,
        Condition: {
          NumericGreaterThan: { "s3:object-lock-remaining-retention-days": String(Math.max(days, lockDays)) },
        },
      })),
      {
        Sid: "DenyBypassingTheLock",
        ...deny,
        Action: "s3:BypassGovernanceRetention",
        Resource: `arn:aws:s3:::${bucket}/*`,
      },
    ],
  });
}
