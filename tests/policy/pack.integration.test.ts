import assert from "node:assert/strict";
import { root } from "../../sandbox/setup/paths.ts";
import { type RealEngine, realEngine } from "../sandbox/providers/real-engine.ts";

const program = (image: string, variables: string) => `
import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { CoolifyApplication } from "${root}/components/coolify-application.ts";
const generated = new RandomPassword("generated", { length: 64, special: false });
const later = pulumi.unsecret(generated.result);
new CoolifyApplication("backend", {
  placement: { projectUuid: "p", environmentName: "e", environmentUuid: "e", serverUuid: "s" },
  environment: "trial", image: ${image}, port: 3001, hosts: ["api.affexai.localhost"], tls: false, replicas: 1,
  health: { path: "/health/ready", intervalSeconds: 1, timeoutSeconds: 1, retries: 10, startPeriodSeconds: 1 },
  versionPath: "/version", drain: { readySeconds: 3, drainSeconds: 3 }, stopGracePeriodSeconds: 20, limits: {},
  variables: ${variables}, secretVariables: { JWT_SECRET: generated.result },
  stamp: { id: "1", after: null }, ledger: { bucket: "backups", environment: "trial" }, rolloutTimeoutSeconds: 60, after: [],
});
`;
const awsConfig = `  aws:region: eu-central-1
  aws:s3UsePathStyle: true
  aws:skipCredentialsValidation: true
  aws:skipRequestingAccountId: true
`;
const pinned = `"ghcr.io/affexai/backend@sha256:${"a".repeat(64)}"`;

describe("the policy pack on the real engine", function () {
  let engine: RealEngine;
  const preview = async (source: string) => {
    await engine.program(source);
    const { exitCode, text } = await engine.run(["preview", "--policy-pack", `${root}/policy`]);
    // The engine breaks long messages into lines.
    return { exitCode, text: text.replaceAll(/\s+/g, " ") };
  };
  before(async () => {
    // Nothing is created in a preview, so nothing has to answer there.
    engine = await realEngine(awsConfig, {
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ACCESS_KEY_ID: "nobody",
      AWS_SECRET_ACCESS_KEY: "nobody",
    });
  });
  after(() => engine.close());

  it("stops a preview in which the schema would be synchronised", async () => {
    const { exitCode, text } = await preview(program(pinned, '{ DATABASE_SYNCHRONIZE: "true" }'));
    assert.notEqual(exitCode, 0);
    assert.match(text, /no-synchronize/);
    assert.match(text, /backend: variables\.DATABASE_SYNCHRONIZE must be one of false, 0, no, off/);
    assert.doesNotMatch(text, /secrets-are-secret/);
  });

  it("stops a preview whose image and switch cannot be known yet, although the SDK only advises there", async () => {
    const { exitCode, text } = await preview(program("later", "{ DATABASE_SYNCHRONIZE: later }"));
    assert.notEqual(exitCode, 0);
    assert.match(text, /\[mandatory\] \[severity: high\] image-pinned-by-digest/);
    assert.match(text, /\[mandatory\] \[severity: critical\] no-synchronize/);
    assert.match(text, /what cannot be judged is refused/);
  });

  it("shows no value of a variable that should have been secret", async () => {
    const { exitCode, text } = await preview(program(pinned, '{ LINK: "postgresql://app:hunter2hunter2@db/affexai" }'));
    assert.notEqual(exitCode, 0);
    assert.match(text, /backend: variables\.LINK must be a secret one, by its form/);
  });

  it("finds the pieces that a backup storage lacks", async () => {
    const { exitCode, text } = await preview(`
import * as pulumi from "@pulumi/pulumi";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BackupStorage } from "${root}/components/backup-storage.ts";
const keepDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
// As if the component had been written without what protects its bucket.
class Bare extends pulumi.ComponentResource {
  constructor(name: string) {
    super(BackupStorage.__pulumiType, name, { bucket: "backups", environment: "trial", lockDays: 7, keepDays });
    new Bucket("bare", { bucket: "backups", objectLockEnabled: true }, { parent: this });
    this.registerOutputs();
  }
}
new Bare("backups");
`);
    assert.notEqual(exitCode, 0, text);
    assert.deepEqual(
      text
        .match(/backups: a \w+ must be part of it/g)
        ?.map((line) => line.split(" ")[2])
        .sort(),
      [
        "BucketLifecycleConfiguration",
        "BucketObjectLockConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
      ],
    );
  });

  it("judges the whole stack at the end: an application needs a migration and a backup behind it", async () => {
    const { exitCode, text } = await preview(program(pinned, "{}"));
    assert.notEqual(exitCode, 0);
    assert.match(text, /backend: the stack must declare a DatabaseMigration/);
    assert.match(text, /backend: the stack must declare a BackupStorage/);
  });
});
