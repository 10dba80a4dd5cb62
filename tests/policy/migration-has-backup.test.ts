import { Bucket } from "@pulumi/aws/s3/bucket.js";
import assert from "node:assert/strict";
import { BackupStorage } from "../../components/backup-storage.ts";
import { migrationHasBackup } from "../../policy/migration-has-backup.ts";
import { application, migration, withProperty } from "./declared.ts";
import { type Shown, stackViolations, unknown, violations } from "./violations.ts";

// Its own output waits for all that protects the bucket: a preview does not know it.
const storage: Shown = { resourceClass: BackupStorage, name: "backups", props: { bucket: unknown } };
const bucket: Shown = { resourceClass: Bucket, parent: storage, props: { bucket: "affexai-backups", arn: unknown } };

describe("migration-has-backup", () => {
  it("allows a migration with a bucket and the backup role's URL, which a preview does not know", async () => {
    assert.deepEqual(await violations(migrationHasBackup, migration), []);
  });

  for (const [path, value, expected] of [
    ["ledger", undefined, "ledger must name a bucket and an environment."],
    ["ledger.bucket", undefined, "ledger must name a bucket and an environment."],
    ["ledger.environment", "", "ledger must name a bucket and an environment."],
    ["backupDatabaseUrl", undefined, "backupDatabaseUrl must be given."],
    ["backupMaxAgeSeconds", undefined, "backupMaxAgeSeconds must be above 0 and at most 86400."],
    ["backupMaxAgeSeconds", 0, "backupMaxAgeSeconds must be above 0 and at most 86400."],
    ["backupMaxAgeSeconds", 86_401, "backupMaxAgeSeconds must be above 0 and at most 86400."],
  ] as const) {
    it(`refuses ${path} = ${value ?? "nothing"}`, async () => {
      assert.deepEqual(await violations(migrationHasBackup, withProperty(migration, path, value)), [
        `migration: ${expected}`,
      ]);
    });
  }

  for (const path of ["ledger", "ledger.bucket", "backupMaxAgeSeconds"]) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(migrationHasBackup, withProperty(migration, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }

  it("refuses a stack whose application has no migration or no backup storage", async () => {
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, bucket, migration, application]), []);
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, application]), [
      "backend: the stack must declare a DatabaseMigration.",
    ]);
    assert.deepEqual(await stackViolations(migrationHasBackup, [migration, application]), [
      "backend, migration: the stack must declare a BackupStorage.",
    ]);
  });

  it("refuses a migration without backup storage, whether or not there is an application", async () => {
    assert.deepEqual(await stackViolations(migrationHasBackup, [migration]), [
      "migration: the stack must declare a BackupStorage.",
    ]);
  });

  it("refuses a migration whose bucket is none of the stack's backup storages, or that cannot be compared", async () => {
    const elsewhere = withProperty(migration, "ledger.bucket", "unprotected");
    const refusal = "migration: ledger.bucket must be the bucket of a BackupStorage of this stack.";
    const other = withProperty(bucket, "bucket", "unprotected");
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, bucket, elsewhere]), [refusal]);
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, migration]), [refusal]);
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, { ...other, parent: migration }, elsewhere]), [
      refusal,
    ]);
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage, bucket, other, elsewhere]), []);
    for (const resources of [
      [storage, withProperty(bucket, "bucket", unknown), migration],
      [storage, bucket, withProperty(migration, "ledger.bucket", unknown)],
    ]) {
      const [message] = await stackViolations(migrationHasBackup, resources);
      assert.match(message ?? "", /can't be known during preview.*cannot be judged is refused/);
    }
  });

  it("asks nothing of a stack without applications", async () => {
    assert.deepEqual(await stackViolations(migrationHasBackup, [storage]), []);
  });
});
