import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { BackupStore } from "../../../operations/backup/backup-store.ts";
import type { Manifest } from "../../../operations/backup/manifest.ts";
import { nextOccasion } from "../../../operations/agent/schedule.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { cleanUpLater } from "../../clean-up.ts";
import { iamClient } from "../../sandbox/s3/storage.ts";
import { environment, type Environment } from "../database/support/platform.ts";

/** A database with something in it, a bucket, and the three identities with the rights that BackupStorage gives them. */
export interface Site {
  readonly database: Environment;
  /** The variables of an agent. */
  readonly env: Record<string, string>;
  readonly store: BackupStore;
  /** What was posted to PAGE_URL. */
  readonly pages: { job: string; summary: string }[];
  /** The complete backups of a reason, oldest first. */
  backups(reason: string): Promise<Manifest[]>;
  /** Makes all backups and drills as much older as given, as if that time had passed. */
  age(ms: number): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const database = await environment();
  await database.sql("migrator", "CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)");
  await database.sql("migrator", "INSERT INTO note SELECT n, repeat('x', 100) FROM generate_series(1, 500) n");
  const { bucket } = database;
  const all = `arn:aws:s3:::${bucket}/*`;
  const list = {
    Action: [
      ...["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"],
      ...["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"],
    ],
    Resource: `arn:aws:s3:::${bucket}`,
  };
  const write = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:AbortMultipartUpload"];
  const identities = {
    WRITER: [
      list,
      { Action: write, Resource: all },
      {
        Action: "s3:PutObject",
        Resource: ["backups", "drills", "releases", "journal", "journal-copy"].map(
          (folder) => `arn:aws:s3:::${bucket}/${folder}/staging/*`,
        ),
      },
      { Action: "s3:PutObjectRetention", Resource: `arn:aws:s3:::${bucket}/backups/staging/*` },
    ],
    READER: [
      list,
      { Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: all },
      { Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/drills/staging/*` },
    ],
    PRUNER: [
      list,
      {
        Action: [
          ...["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold"],
          ...["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"],
        ],
        Resource: `arn:aws:s3:::${bucket}/backups/staging/*`,
      },
      {
        Action: "s3:GetObject",
        Resource: ["journal", "releases", "drills"].map((folder) => `arn:aws:s3:::${bucket}/${folder}/staging/*`),
      },
    ],
  };
  const keys: Record<string, string> = {};
  for (const [name, statements] of Object.entries(identities)) {
    Object.assign(keys, await identity(database, name, statements));
  }
  const store = new BackupStore(objectStorage(database.env), { bucket, environment: "staging" });
  const { url, pages } = await pageReceiver();
  return {
    ...{ database, store, pages },
    env: {
      ...keys,
      PATH: database.env.PATH ?? "",
      APP_ENVIRONMENT: "staging",
      PORT: "0",
      BACKUP_CADENCE: "hourly,daily",
      BACKUP_TIME_ZONE: quietZone(new Date()),
      BACKUP_BUCKET: bucket,
      BACKUP_KEEP_DAYS: "hourly=2,daily=14,weekly=56,monthly=366,manual=30,pre-migration=7",
      BACKUP_KEEP_AT_LEAST: "1",
      DATABASE_APP_ROLE: database.roles.app,
      DATABASE_URL: database.env["DATABASE_URL"] ?? "",
      BACKUP_DATABASE_URL: database.env["BACKUP_DATABASE_URL"] ?? "",
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL: database.env["AWS_ENDPOINT_URL"] ?? "",
      PAGE_URL: url,
    },
    backups: async (reason) => (await store.manifests()).filter((one) => one.reason === reason),
    async age(ms) {
      const earlier = (iso: string) => new Date(Date.parse(iso) - ms).toISOString();
      for (const manifest of await store.manifests()) {
        const { startedAt, takenAt, finishedAt } = manifest;
        const aged = { startedAt: earlier(startedAt), takenAt: earlier(takenAt), finishedAt: earlier(finishedAt) };
        await store.storage.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: store.key(manifest.reason, manifest.id, "manifest.json"),
            Body: JSON.stringify({ ...manifest, ...aged }),
          }),
        );
      }
    },
  };
}

/** A time zone in which nothing comes due in the next half an hour, so that a test is not overtaken by the hour. */
function quietZone(now: Date): string {
  const zones = ["UTC", "Asia/Kolkata", "Etc/GMT-7", "Australia/Darwin"];
  const quiet = zones.find((zone) =>
    (["hourly", "daily", "drill", "prune", "expire"] as const).every(
      (occasion) => nextOccasion(occasion, now, zone).getTime() - now.getTime() > 29 * 60_000,
    ),
  );
  if (quiet === undefined) throw new Error("no zone is quiet");
  return quiet;
}

async function identity({ env, name: database }: Environment, name: string, statements: object[]): Promise<object> {
  const iam = iamClient(env["AWS_ENDPOINT_URL"] ?? "", {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  });
  const UserName = `${database}-${name.toLowerCase()}`;
  await iam.send(new CreateUserCommand({ UserName }));
  const Statement = statements.map((one) => ({ Effect: "Allow", ...one }));
  await iam.send(
    new PutUserPolicyCommand({
      ...{ UserName, PolicyName: "bucket" },
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
    }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return {
    [`BACKUP_${name}_ACCESS_KEY_ID`]: AccessKey?.AccessKeyId,
    [`BACKUP_${name}_SECRET_ACCESS_KEY`]: AccessKey?.SecretAccessKey,
  };
}

async function pageReceiver(): Promise<{ url: string; pages: Site["pages"] }> {
  const pages: Site["pages"] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      pages.push(JSON.parse(body) as Site["pages"][number]);
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUpLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/page-me`, pages };
}
