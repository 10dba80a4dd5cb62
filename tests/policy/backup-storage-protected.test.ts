import assert from "node:assert/strict";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import { BackupStorage } from "../../components/backup-storage.ts";
import { MediaStorage } from "../../components/media-storage.ts";
import { backupStorageProtected } from "../../policy/backup-storage-protected.ts";
import { withProperty } from "./declared.ts";
import { type Shown, stackViolations, unknown, violations } from "./violations.ts";

const keepDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
const storage: Shown = { resourceClass: BackupStorage, name: "backups", props: { lockDays: 7, keepDays } };
const piece = (resourceClass: unknown, props: Record<string, unknown>): Shown => ({
  resourceClass,
  name: "piece",
  within: [BackupStorage.__pulumiType],
  props,
});
const bucket = piece(Bucket, { bucket: "b", objectLockEnabled: true, forceDestroy: false });
const privacy = piece(BucketPublicAccessBlock, {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
});
const versioning = piece(BucketVersioning, { versioningConfiguration: { status: "Enabled" } });
const encryption = piece(BucketServerSideEncryptionConfiguration, {
  rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
});
const lock = piece(BucketObjectLockConfiguration, { rule: { defaultRetention: { mode: "GOVERNANCE", days: 7 } } });
const ownership = piece(BucketOwnershipControls, { rule: { objectOwnership: "BucketOwnerEnforced" } });
const policy = piece(BucketPolicy, { policy: "{}" });
const expiring = (prefix: string | undefined) => ({
  id: "x",
  status: "Enabled",
  ...(prefix === undefined ? {} : { filter: { prefix } }),
  expiration: { days: 7 },
});
const lifecycle = piece(BucketLifecycleConfiguration, { rules: [expiring("backups/staging/daily/")] });

const outside = "piece: rule x must be about backups/<environment>/ only: releases/ and journal/ never expire.";
const table: [string, Shown, string, unknown, string][] = [
  ["a lock of no days", storage, "lockDays", 0, "backups: lockDays must be at least 1."],
  ["no lock", storage, "lockDays", undefined, "backups: lockDays must be at least 1."],
  [
    "no retention",
    storage,
    "keepDays",
    undefined,
    "backups: keepDays must give whole days for every reason of a backup.",
  ],
  [
    "a reason without retention",
    storage,
    "keepDays.daily",
    undefined,
    "backups: keepDays must give whole days for every reason of a backup.",
  ],
  [
    "pre-migration backups kept for less than a week",
    storage,
    "keepDays.pre-migration",
    6,
    "backups: keepDays.pre-migration must be at least 7.",
  ],
  ["a bucket without object lock", bucket, "objectLockEnabled", undefined, "piece: objectLockEnabled must be true."],
  ["a bucket that is emptied to be destroyed", bucket, "forceDestroy", true, "piece: forceDestroy must be false."],
  ...["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].map(
    (wall): [string, Shown, string, unknown, string] => [
      `a bucket without ${wall}`,
      privacy,
      wall,
      undefined,
      `piece: ${wall} must be true.`,
    ],
  ),
  [
    "suspended versioning",
    versioning,
    "versioningConfiguration.status",
    "Suspended",
    "piece: versioningConfiguration.status must be Enabled.",
  ],
  [
    "no versioning",
    versioning,
    "versioningConfiguration",
    undefined,
    "piece: versioningConfiguration.status must be Enabled.",
  ],
  ["no encryption", encryption, "rules", undefined, "piece: rules must encrypt by default, with AES256 or aws:kms."],
  [
    "encryption by nothing known",
    encryption,
    "rules",
    [{}],
    "piece: rules must encrypt by default, with AES256 or aws:kms.",
  ],
  [
    "no mode of the lock",
    lock,
    "rule.defaultRetention.mode",
    undefined,
    "piece: rule.defaultRetention.mode must be GOVERNANCE or COMPLIANCE.",
  ],
  [
    "a lock of no time",
    lock,
    "rule.defaultRetention.days",
    undefined,
    "piece: rule.defaultRetention must last at least a day.",
  ],
  ["rules that are none", lifecycle, "rules", [{}], "piece: rules must each have an id, and say what they are about."],
  ["an expiring ledger", lifecycle, "rules", [expiring("releases/")], outside],
  ["expiring leases", lifecycle, "rules", [expiring("leases/staging/")], outside],
  ["an expiring journal", lifecycle, "rules", [expiring("journal/staging/")], outside],
  ["everything expiring", lifecycle, "rules", [expiring("")], outside],
  ["everything expiring by a missing filter", lifecycle, "rules", [expiring(undefined)], outside],
  ["all environments' backups expiring", lifecycle, "rules", [expiring("backups/")], outside],
  [
    "old versions of the ledger expiring",
    lifecycle,
    "rules",
    [{ id: "x", filter: { prefix: "" }, noncurrentVersionExpiration: { noncurrentDays: 1 } }],
    outside,
  ],
];

describe("backup-storage-protected", () => {
  it("allows what BackupStorage declares", async () => {
    for (const shown of [storage, bucket, privacy, versioning, encryption, lock, lifecycle]) {
      assert.deepEqual(await violations(backupStorageProtected, shown), []);
    }
    const aborting = [
      { id: "abort", filter: { prefix: "" }, abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ];
    assert.deepEqual(await violations(backupStorageProtected, withProperty(lifecycle, "rules", aborting)), []);
    const replaced = [
      { id: "x", filter: { prefix: "leases/staging/" }, noncurrentVersionExpiration: { noncurrentDays: 1 } },
    ];
    assert.deepEqual(await violations(backupStorageProtected, withProperty(lifecycle, "rules", replaced)), []);
  });

  for (const [what, shown, path, value, expected] of table) {
    it(`refuses ${what}`, async () => {
      assert.deepEqual(await violations(backupStorageProtected, withProperty(shown, path, value)), [expected]);
    });
  }

  for (const [shown, path] of [
    [storage, "lockDays"],
    [storage, "keepDays"],
    [bucket, "objectLockEnabled"],
    [bucket, "forceDestroy"],
    [privacy, "blockPublicAcls"],
    [versioning, "versioningConfiguration"],
    [versioning, "versioningConfiguration.status"],
    [encryption, "rules"],
    [lock, "rule"],
    [lock, "rule.defaultRetention.mode"],
    [lifecycle, "rules"],
  ] as const) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(backupStorageProtected, withProperty(shown, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }

  const declared = [bucket, privacy, versioning, encryption, lock, lifecycle, ownership, policy].map((one) => ({
    ...one,
    parent: storage,
  }));
  it("allows a stack whose storage has all its pieces, and one without storage", async () => {
    assert.deepEqual(await stackViolations(backupStorageProtected, [storage, ...declared]), []);
    assert.deepEqual(await stackViolations(backupStorageProtected, []), []);
  });

  for (const missing of declared) {
    const { name } = missing.resourceClass as { name: string };
    it(`refuses a storage without ${name}, also beside another one that has it`, async () => {
      const others = declared.filter((one) => one !== missing);
      const expected = [`backups: a ${name} must be part of it.`];
      assert.deepEqual(await stackViolations(backupStorageProtected, [storage, ...others]), expected);
      const whole: Shown = { ...storage, name: "whole" };
      const all = [whole, ...declared.map((one) => ({ ...one, parent: whole }))];
      assert.deepEqual(await stackViolations(backupStorageProtected, [storage, ...others, ...all]), expected);
    });
  }

  it("is not about other buckets", async () => {
    const media = { ...bucket, within: [MediaStorage.__pulumiType], props: { bucket: "media" } };
    assert.deepEqual(await violations(backupStorageProtected, media), []);
  });
});
