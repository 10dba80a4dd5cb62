import { randomBytes } from "node:crypto";
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { region } from "../storage.ts";

/** An implementation of S3 under test. */
export interface Subject {
  readonly client: S3Client;
  readonly url: string;
}

/** One promise of S3: what it is about, and how to see it. */
export interface Clause {
  readonly title: string;
  readonly check: (subject: Subject) => Promise<void>;
}

export const clause = (title: string, check: Clause["check"]): Clause => ({ title, check });

/** A new bucket with a name of its own. */
export async function newBucket(
  { client }: Subject,
  { versioned = false, locked = false }: { versioned?: boolean; locked?: boolean } = {},
): Promise<string> {
  const Bucket = `contract-${randomBytes(6).toString("hex")}`;
  await client.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: region },
      ObjectLockEnabledForBucket: locked,
    }),
  );
  if (versioned) {
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  }
  return Bucket;
}

/** Puts a text and returns what S3 said. */
export async function put(
  { client }: Subject,
  Bucket: string,
  Key: string,
  Body = "content",
  more: Partial<PutObjectCommandInput> = {},
) {
  return client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
}
