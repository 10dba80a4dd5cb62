import assert from "node:assert/strict";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import { refused } from "../refusal.ts";
import { clause, newBucket, put, type Clause } from "./subject.ts";

const days = (count: number) => new Date(Date.now() + count * 86_400_000);

/** Object Lock. */
export const objectLock: readonly Clause[] = [
  clause("locks only buckets that were made for it or are versioned", async (subject) => {
    const { client } = subject;
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const };
    const plain = await newBucket(subject);
    const absent = new GetObjectLockConfigurationCommand({ Bucket: plain });
    await refused(client.send(absent), "ObjectLockConfigurationNotFoundError", 404);
    const unversioned = new PutObjectLockConfigurationCommand({ Bucket: plain, ObjectLockConfiguration });
    await refused(client.send(unversioned), "InvalidBucketState", 409);
    const locked = await newBucket(subject, { locked: true });
    const answer = await client.send(new GetObjectLockConfigurationCommand({ Bucket: locked }));
    assert.equal(answer.ObjectLockConfiguration?.ObjectLockEnabled, "Enabled");
    const suspend = new PutBucketVersioningCommand({
      Bucket: locked,
      VersioningConfiguration: { Status: "Suspended" },
    });
    await refused(client.send(suspend), "InvalidBucketState", 409);
  }),
  clause("gives new objects the bucket's default retention", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { locked: true });
    const DefaultRetention = { Mode: "GOVERNANCE" as const, Days: 7 };
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule: { DefaultRetention } };
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    await put(subject, Bucket, "dump");
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "dump" }));
    assert.equal(head.ObjectLockMode, "GOVERNANCE");
    const left = (head.ObjectLockRetainUntilDate?.getTime() ?? 0) - Date.now();
    assert.ok(Math.abs(left - 7 * 86_400_000) < 60_000, `${left} ms`);
  }),
  clause("keeps a version under governance but for a permitted bypass", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { locked: true });
    const lock = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: days(1) };
    const { VersionId } = await put(subject, Bucket, "g", "kept", lock);
    const version = { Bucket, Key: "g", VersionId };
    await refused(client.send(new DeleteObjectCommand(version)), "AccessDenied", 403);
    const marker = await client.send(new DeleteObjectCommand({ Bucket, Key: "g" }));
    assert.equal(marker.DeleteMarker, true);
    const object = await client.send(new GetObjectCommand(version));
    assert.equal(await object.Body?.transformToString(), "kept");
    await client.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }));
    await refused(client.send(new HeadObjectCommand(version)), "NotFound", 404);
  }),
  clause("keeps a version under compliance from everybody", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { locked: true });
    const lock = { ObjectLockMode: "COMPLIANCE" as const, ObjectLockRetainUntilDate: days(1) };
    const { VersionId } = await put(subject, Bucket, "c", "kept", lock);
    const version = { Bucket, Key: "c", VersionId };
    const bypassing = new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true });
    await refused(client.send(bypassing), "AccessDenied", 403);
    const shorter = { Mode: "COMPLIANCE" as const, RetainUntilDate: days(0.5) };
    const shorten = new PutObjectRetentionCommand({ ...version, Retention: shorter, BypassGovernanceRetention: true });
    await refused(client.send(shorten), "AccessDenied", 403);
    const longer = { Mode: "COMPLIANCE" as const, RetainUntilDate: days(2) };
    await client.send(new PutObjectRetentionCommand({ ...version, Retention: longer }));
    const { Retention } = await client.send(new GetObjectRetentionCommand(version));
    assert.deepEqual(Retention, longer);
  }),
  clause("shortens governance only with the bypass", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { locked: true });
    const lock = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: days(2) };
    const { VersionId } = await put(subject, Bucket, "g", "kept", lock);
    const Retention = { Mode: "GOVERNANCE" as const, RetainUntilDate: days(1) };
    const shorter = { Bucket, Key: "g", VersionId, Retention };
    await refused(client.send(new PutObjectRetentionCommand(shorter)), "AccessDenied", 403);
    await client.send(new PutObjectRetentionCommand({ ...shorter, BypassGovernanceRetention: true }));
  }),
  clause("keeps a version under legal hold until it is lifted", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { locked: true });
    const { VersionId } = await put(subject, Bucket, "h");
    const version = { Bucket, Key: "h", VersionId };
    await client.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status: "ON" } }));
    assert.equal((await client.send(new GetObjectLegalHoldCommand(version))).LegalHold?.Status, "ON");
    const bypassing = new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true });
    await refused(client.send(bypassing), "AccessDenied", 403);
    await client.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status: "OFF" } }));
    await client.send(new DeleteObjectCommand(version));
  }),
  clause("refuses a lock in a bucket without Object Lock", async (subject) => {
    const plain = await newBucket(subject, { versioned: true });
    const lock = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: days(1) };
    await refused(put(subject, plain, "x", "x", lock), "InvalidRequest", 400);
  }),
  clause("refuses a lock that is already over", async (subject) => {
    const locked = await newBucket(subject, { locked: true });
    const past = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: days(-1) };
    await refused(put(subject, locked, "x", "x", past), "InvalidArgument", 400);
  }),
];
