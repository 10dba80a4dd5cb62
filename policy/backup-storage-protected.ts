import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import type { StackValidationPolicy } from "@pulumi/policy";
import { z } from "zod";
import { BackupStorage } from "../components/backup-storage.ts";
import { BackupReason } from "../operations/backup/spec.ts";
import { judge, judgeStack, objectAt, type ResourceClass, rule } from "./judge.ts";

/** The strategy keeps a pre-migration backup for a week. */
const leastDaysBeforeMigrations = 7;

const KeepDays = z.record(BackupReason, z.int().min(1));
const LifecycleRules = z.array(
  z.object({
    id: z.string(),
    filter: z.object({ prefix: z.string() }).optional(),
    prefix: z.string().optional(),
    expiration: z.unknown().optional(),
    noncurrentVersionExpiration: z.unknown().optional(),
  }),
);

/** A piece of a BackupStorage: its own type below the component's in the URN. */
function piece(resourceClass: ResourceClass, decide: Parameters<typeof judge>[1]) {
  return judge(resourceClass, (props, refuse, resource) => {
    const types = (resource.urn.split("::")[2] ?? "").split("$");
    if (types.includes(BackupStorage.__pulumiType)) decide(props, refuse, resource);
  });
}

/** What a BackupStorage is not one without. */
const pieces: readonly [name: string, ResourceClass][] = [
  ["Bucket", Bucket],
  ["BucketPublicAccessBlock", BucketPublicAccessBlock],
  ["BucketVersioning", BucketVersioning],
  ["BucketServerSideEncryptionConfiguration", BucketServerSideEncryptionConfiguration],
  ["BucketObjectLockConfiguration", BucketObjectLockConfiguration],
  ["BucketLifecycleConfiguration", BucketLifecycleConfiguration],
  ["BucketOwnershipControls", BucketOwnershipControls],
  ["BucketPolicy", BucketPolicy],
];

const judgedPieces = rule(
  {
    name: "backup-storage-protected",
    description: "The backup bucket is private, versioned, encrypted and locked; the ledger in it never expires.",
    severity: "critical",
    remediationSteps: "Declare the bucket with BackupStorage and leave what it sets alone.",
  },
  judge(BackupStorage, (props, refuse) => {
    const { lockDays, keepDays } = { lockDays: props["lockDays"], keepDays: KeepDays.safeParse(props["keepDays"]) };
    if (typeof lockDays !== "number" || lockDays < 1) refuse("lockDays must be at least 1.");
    if (!keepDays.success) return refuse("keepDays must give whole days for every reason of a backup.");
    if (keepDays.data["pre-migration"] < leastDaysBeforeMigrations) {
      refuse(`keepDays.pre-migration must be at least ${leastDaysBeforeMigrations}.`);
    }
  }),
  piece(Bucket, (props, refuse) => {
    if (props["objectLockEnabled"] !== true) refuse("objectLockEnabled must be true.");
    if (props["forceDestroy"] !== undefined && props["forceDestroy"] !== false) refuse("forceDestroy must be false.");
  }),
  piece(BucketPublicAccessBlock, (props, refuse) => {
    for (const wall of ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]) {
      if (props[wall] !== true) refuse(`${wall} must be true.`);
    }
  }),
  piece(BucketVersioning, (props, refuse) => {
    if (objectAt(props, "versioningConfiguration")["status"] !== "Enabled") {
      refuse("versioningConfiguration.status must be Enabled.");
    }
  }),
  piece(BucketServerSideEncryptionConfiguration, (props, refuse) => {
    const rules = Array.isArray(props["rules"]) ? (props["rules"] as Record<string, unknown>[]) : [];
    const algorithms = rules.map((one) => objectAt(one, "applyServerSideEncryptionByDefault")["sseAlgorithm"]);
    if (!algorithms.some((algorithm) => algorithm === "AES256" || algorithm === "aws:kms")) {
      refuse("rules must encrypt by default, with AES256 or aws:kms.");
    }
  }),
  piece(BucketObjectLockConfiguration, (props, refuse) => {
    const retention = objectAt(objectAt(props, "rule"), "defaultRetention");
    const { mode, days, years } = { mode: retention["mode"], days: retention["days"], years: retention["years"] };
    if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE")
      refuse("rule.defaultRetention.mode must be GOVERNANCE or COMPLIANCE.");
    if (!(typeof days === "number" && days >= 1) && !(typeof years === "number" && years >= 1)) {
      refuse("rule.defaultRetention must last at least a day.");
    }
  }),
  piece(BucketLifecycleConfiguration, (props, refuse) => {
    const rules = LifecycleRules.safeParse(props["rules"]);
    if (!rules.success) return refuse("rules must each have an id, and say what they are about.");
    for (const { id, filter, prefix, expiration, noncurrentVersionExpiration } of rules.data) {
      if (expiration === undefined && noncurrentVersionExpiration === undefined) continue;
      const about = filter?.prefix ?? prefix ?? "";
      if (/^backups\/[^/]+\//.test(about)) continue;
      // What a lease was before it was renewed; the lease itself stays.
      if (expiration === undefined && /^leases\/[^/]+\//.test(about)) continue;
      refuse(`rule ${id} must be about backups/<environment>/ only: releases/ and journal/ never expire.`);
    }
  }),
);

/** Backups are what is left when everything else went wrong: they are private, versioned, encrypted, locked, and kept. */
export const backupStorageProtected = {
  ...judgedPieces,
  validateStack: judgeStack((resources, refuse) => {
    for (const storage of resources.filter((one) => one.isType(BackupStorage))) {
      const children = resources.filter(({ parent }) => parent?.urn === storage.urn);
      for (const [name, type] of pieces) {
        if (!children.some((one) => one.isType(type))) refuse(`${storage.name}: a ${name} must be part of it.`);
      }
    }
  }),
} satisfies StackValidationPolicy;
