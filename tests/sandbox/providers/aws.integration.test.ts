import assert from "node:assert/strict";
import {
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketLifecycleConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { takeLease } from "../../../operations/release/lease.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { type ObjectStorage, startObjectStorage } from "../../../sandbox/s3/server.ts";
import { root } from "../../../sandbox/setup/paths.ts";
import { recorded } from "../../operations/coolify/context.ts";
import { type RealEngine, realEngine } from "./real-engine.ts";

const account = { accessKeyId: "AKIASANDBOXROOT00000", secretAccessKey: "root-secret-of-the-test-storage" };
const config = "  aws:region: eu-central-1\n  aws:s3UsePathStyle: true\n  aws:skipCredentialsValidation: true\n";
const program = (lockDays: number) => `
import { BackupStorage } from "${root}/components/backup-storage.ts";
import { MediaStorage } from "${root}/components/media-storage.ts";
const keepDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
const backups = new BackupStorage("backups", { bucket: "trial-backups", environment: "trial", lockDays: ${lockDays}, keepDays });
const media = new MediaStorage("media", { bucket: "trial-media", origins: ["http://affexai.localhost"] });
export const bucket = backups.bucket;
export const writer = { accessKeyId: backups.writer.accessKeyId, secretAccessKey: backups.writer.secretAccessKey };
export const secret = media.identity.secretAccessKey;
`;

describe("the stand-in for the AWS provider", function () {
  let folder: string;
  let storage: ObjectStorage;
  let engine: RealEngine;
  let client: S3Client;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-aws-"));
    storage = await startObjectStorage({ host: "127.0.0.1", port: 0, dir: folder, ...account });
    client = new S3Client({
      endpoint: storage.url,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: account,
    });
    engine = await realEngine(config, {
      AWS_ENDPOINT_URL: storage.url,
      AWS_ACCESS_KEY_ID: account.accessKeyId,
      AWS_SECRET_ACCESS_KEY: account.secretAccessKey,
    });
  });
  after(async () => {
    client.destroy();
    await engine.close();
    await storage.close();
    await rm(folder, { recursive: true, force: true });
  });

  const clean = () => engine.run(["refresh", "--preview-only", "--expect-no-changes"]);

  it("makes the backup and media storage for real, and finds nothing changed afterwards", async () => {
    await engine.program(program(1));
    const { exitCode, text } = await engine.run(["up", "--yes", "--skip-preview"]);
    assert.equal(exitCode, 0, text);
    const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "trial-backups" }));
    assert.equal(Rules?.length, 9);
    const preview = await engine.run(["preview", "--expect-no-changes"]);
    assert.equal(preview.exitCode, 0, preview.text);
    const refresh = await clean();
    assert.equal(refresh.exitCode, 0, refresh.text);
  });

  it("keeps access keys out of the state's plain text", async () => {
    const { secret, writer } = (await engine.outputs()) as { secret: string; writer: { secretAccessKey: string } };
    const state = await engine.state();
    assert.ok(secret.length > 20 && writer.secretAccessKey.length > 20);
    assert.ok(!state.includes(secret) && !state.includes(writer.secretAccessKey));
  });

  it("gives a writer that can write its own, once, and cannot delete", async () => {
    const { writer } = (await engine.outputs()) as {
      writer: { accessKeyId: string; secretAccessKey: string };
    };
    const own = new S3Client({
      endpoint: storage.url,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: writer,
    });
    const object = { Bucket: "trial-backups", Key: "backups/trial/daily/1/dump" };
    const once = { ...object, IfNoneMatch: "*" };
    await new Upload({ client: own, params: { ...once, Body: Readable.from([randomBytes(6 * 1024 * 1024)]) } }).done();
    await assert.rejects(own.send(new PutObjectCommand({ ...once, Body: "other" })), { name: "PreconditionFailed" });
    await assert.rejects(own.send(new PutObjectCommand({ ...object, Body: "other" })), { name: "AccessDenied" });
    const foreign = { ...once, Key: "backups/production/daily/1/dump" };
    await assert.rejects(own.send(new PutObjectCommand({ ...foreign, Body: "other" })), { name: "AccessDenied" });
    await assert.rejects(own.send(new DeleteObjectCommand(object)), { name: "AccessDenied" });
    const day = 86_400_000;
    const weekly = (days: number, ObjectLockMode: "GOVERNANCE" | "COMPLIANCE") =>
      own.send(
        new PutObjectCommand({
          ...{ ...once, Key: `backups/trial/weekly/${days}${ObjectLockMode}/dump`, Body: "x", ObjectLockMode },
          ObjectLockRetainUntilDate: new Date(Date.now() + days * day - 60_000),
        }),
      );
    await weekly(56, "GOVERNANCE");
    await assert.rejects(weekly(57, "GOVERNANCE"), { name: "AccessDenied" });
    await assert.rejects(weekly(56, "COMPLIANCE"), { name: "AccessDenied" });
    own.destroy();
  });

  it("lets its writer and the account's own key hold a lease in turn, and nobody write over one unseen", async () => {
    const { writer } = (await engine.outputs()) as { writer: { accessKeyId: string; secretAccessKey: string } };
    const location = { bucket: "trial-backups", environment: "trial" };
    for (const keys of [writer, account, writer]) {
      const own = objectStorage({
        AWS_ENDPOINT_URL: storage.url,
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      });
      await (await takeLease(own, location, { thing: "one", doing: "a test" }, recorded({}))).release();
      const unseen = new PutObjectCommand({ Bucket: location.bucket, Key: "leases/trial/one.json", Body: "{}" });
      await assert.rejects(own.send(unseen), { name: "AccessDenied" });
      own.destroy();
    }
  });

  it("sees what somebody changed by hand, and puts it back", async () => {
    await client.send(new DeletePublicAccessBlockCommand({ Bucket: "trial-backups" }));
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: "trial-backups",
        LifecycleConfiguration: {
          Rules: [{ ID: "all", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 1 } }],
        },
      }),
    );
    const drift = await clean();
    assert.equal(drift.exitCode, 7, drift.text);
    assert.match(drift.text, /backups-privacy/);
    assert.match(drift.text, /backups-lifecycle/);
    assert.doesNotMatch(drift.text, /media-privacy +\w+ *\[/);

    const repair = await engine.run(["up", "--yes", "--skip-preview", "--refresh"]);
    assert.equal(repair.exitCode, 0, repair.text);
    const { PublicAccessBlockConfiguration } = await client.send(
      new GetPublicAccessBlockCommand({ Bucket: "trial-backups" }),
    );
    assert.equal(PublicAccessBlockConfiguration?.BlockPublicPolicy, true);
    assert.equal((await clean()).exitCode, 0);
  });

  it("updates a setting in place", async () => {
    await engine.program(program(2));
    const { exitCode, text } = await engine.run(["up", "--yes", "--skip-preview"]);
    assert.equal(exitCode, 0, text);
    assert.match(text, /BucketObjectLockConfiguration backups-lock updated/);
    assert.match(text, /~ 2 updated\n +31 unchanged/);
  });

  it("refuses to replace or delete a protected bucket", async () => {
    await engine.program(program(2).replace("trial-backups", "other-backups"));
    const renamed = await engine.run(["preview"]);
    assert.notEqual(renamed.exitCode, 0);
    assert.match(renamed.text, /marked for protection/);
    const destroyed = await engine.run(["destroy", "--yes", "--skip-preview"]);
    assert.notEqual(destroyed.exitCode, 0);
    await client.send(new HeadBucketCommand({ Bucket: "trial-backups" }));
  });

  it("refuses a resource type and an input that it would ignore", async () => {
    const refusal = async (source: string) => {
      await engine.program(source);
      const { exitCode, text } = await engine.run(["preview"]);
      assert.notEqual(exitCode, 0);
      return text;
    };
    assert.match(
      await refusal('import { Topic } from "@pulumi/aws/sns/topic.js";\nnew Topic("topic", {});\n'),
      /aws:sns\/topic:Topic is not among the resource types of the sandbox/,
    );
    assert.match(
      await refusal(
        'import { Bucket } from "@pulumi/aws/s3/bucket.js";\nnew Bucket("acl", { bucket: "acl", acl: "private" });\n',
      ),
      /acl[^]*is not an input that the sandbox acts on/,
    );
  });

  it("never falls through to the real AWS", async () => {
    await engine.program(program(2));
    for (const endpoint of ["", "https://s3.eu-central-1.amazonaws.com"]) {
      const { exitCode, text } = await engine.run(["preview"], { AWS_ENDPOINT_URL: endpoint });
      assert.notEqual(exitCode, 0);
      assert.match(text, /AWS_ENDPOINT_URL must be an address of this machine/);
    }
  });
});
