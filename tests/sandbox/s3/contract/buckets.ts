import assert from "node:assert/strict";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { refused } from "../refusal.ts";
import { region } from "../storage.ts";
import { clause, newBucket, put, type Clause } from "./subject.ts";

/** Buckets and their settings. */
export const buckets: readonly Clause[] = [
  clause("creates, lists, finds and deletes a bucket", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    assert.ok(Buckets.some(({ Name }) => Name === Bucket));
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket }));
    assert.equal(BucketRegion, region);
    const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket }));
    assert.equal(LocationConstraint, region);
    await client.send(new DeleteBucketCommand({ Bucket }));
    await refused(client.send(new HeadBucketCommand({ Bucket })), "NotFound", 404);
  }),
  clause("refuses a bucket that its owner already has", async (subject) => {
    const Bucket = await newBucket(subject);
    const again = new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } });
    await refused(subject.client.send(again), "BucketAlreadyOwnedByYou", 409);
  }),
  clause("refuses names that break the rules", async ({ client }) => {
    for (const Bucket of ["Capital", "under_score", "ab", "192.168.5.4", "ends-"]) {
      await refused(client.send(new CreateBucketCommand({ Bucket })), "InvalidBucketName", 400);
    }
  }),
  clause("keeps a bucket that is not empty", async (subject) => {
    const Bucket = await newBucket(subject);
    await put(subject, Bucket, "a");
    await refused(subject.client.send(new DeleteBucketCommand({ Bucket })), "BucketNotEmpty", 409);
  }),
  clause("has versioning off until it is enabled, and suspends it", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const status = async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status;
    assert.equal(await status(), undefined);
    for (const Status of ["Enabled", "Suspended"] as const) {
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      assert.equal(await status(), Status);
    }
  }),
  clause("encrypts new buckets with SSE-S3, and keeps another default", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const rule = async () => {
      const answer = await client.send(new GetBucketEncryptionCommand({ Bucket }));
      return answer.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    };
    assert.equal((await rule())?.SSEAlgorithm, "AES256");
    const kms = { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: "arn:aws:kms:eu-central-1:000000000000:key/one" };
    await client.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: kms, BucketKeyEnabled: true }],
        },
      }),
    );
    assert.deepEqual(await rule(), kms);
    assert.equal((await put(subject, Bucket, "a")).ServerSideEncryption, "aws:kms");
  }),
  clause("blocks public access and switches ACLs off in new buckets", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const { PublicAccessBlockConfiguration } = await client.send(new GetPublicAccessBlockCommand({ Bucket }));
    assert.deepEqual(PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    const { OwnershipControls } = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    assert.deepEqual(OwnershipControls?.Rules, [{ ObjectOwnership: "BucketOwnerEnforced" }]);
  }),
  clause("keeps and removes the block on public access", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const PublicAccessBlockConfiguration = {
      BlockPublicAcls: true,
      IgnorePublicAcls: false,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: false,
    };
    await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
    const answer = await client.send(new GetPublicAccessBlockCommand({ Bucket }));
    assert.deepEqual(answer.PublicAccessBlockConfiguration, PublicAccessBlockConfiguration);
    await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
    const absent = client.send(new GetPublicAccessBlockCommand({ Bucket }));
    await refused(absent, "NoSuchPublicAccessBlockConfiguration", 404);
  }),
  clause("keeps the ownership of objects", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
    await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
    const answer = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    assert.deepEqual(answer.OwnershipControls, OwnershipControls);
  }),
  clause("keeps, returns and deletes lifecycle rules", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject, { versioned: true });
    const absent = () => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    await refused(absent(), "NoSuchLifecycleConfiguration", 404);
    const Rules = [
      {
        ID: "hourly",
        Status: "Enabled" as const,
        Filter: { Prefix: "backups/production/hourly/" },
        Expiration: { Days: 2 },
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      },
      {
        ID: "parts",
        Status: "Enabled" as const,
        Filter: { Prefix: "" },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
      {
        ID: "markers",
        Status: "Disabled" as const,
        Filter: { And: { Prefix: "x", Tags: [{ Key: "keep", Value: "no" }] } },
        Expiration: { ExpiredObjectDeleteMarker: true },
      },
    ];
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    const answer = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    assert.deepEqual(answer.Rules, Rules);
    await client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    await refused(absent(), "NoSuchLifecycleConfiguration", 404);
  }),
  clause("refuses a lifecycle rule that does nothing", async (subject) => {
    const Bucket = await newBucket(subject);
    const Rules = [{ ID: "empty", Status: "Enabled" as const, Filter: { Prefix: "" } }];
    const put = new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } });
    await refused(subject.client.send(put), "MalformedXML", 400);
  }),
  clause("keeps, returns and deletes a policy", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    await refused(client.send(new GetBucketPolicyCommand({ Bucket })), "NoSuchBucketPolicy", 404);
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    const answer = await client.send(new GetBucketPolicyCommand({ Bucket }));
    assert.deepEqual(JSON.parse(answer.Policy ?? ""), JSON.parse(Policy));
    await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    await refused(client.send(new GetBucketPolicyCommand({ Bucket })), "NoSuchBucketPolicy", 404);
  }),
  clause("keeps, returns and deletes CORS rules and tags", async (subject) => {
    const { client } = subject;
    const Bucket = await newBucket(subject);
    const CORSRules = [
      {
        AllowedMethods: ["GET", "PUT"],
        AllowedOrigins: ["https://affexai.example"],
        AllowedHeaders: ["*"],
        MaxAgeSeconds: 300,
      },
    ];
    await refused(client.send(new GetBucketCorsCommand({ Bucket })), "NoSuchCORSConfiguration", 404);
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    assert.deepEqual((await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules, CORSRules);
    await client.send(new DeleteBucketCorsCommand({ Bucket }));
    await refused(client.send(new GetBucketCorsCommand({ Bucket })), "NoSuchCORSConfiguration", 404);
    const TagSet = [{ Key: "environment", Value: "staging" }];
    await refused(client.send(new GetBucketTaggingCommand({ Bucket })), "NoSuchTagSet", 404);
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    assert.deepEqual((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet, TagSet);
    await client.send(new DeleteBucketTaggingCommand({ Bucket }));
    await refused(client.send(new GetBucketTaggingCommand({ Bucket })), "NoSuchTagSet", 404);
  }),
];
