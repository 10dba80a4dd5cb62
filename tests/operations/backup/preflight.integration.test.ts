import assert from "node:assert/strict";
import { CreateBucketCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { createBackup } from "../../../operations/backup/create.ts";
import { OperationError } from "../../../operations/error.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { environment, type Environment } from "../database/support/platform.ts";

describe("the preflight of a backup", () => {
  let place: Environment;
  before(async () => {
    place = await environment();
    await place.sql("migrator", "CREATE TABLE notes (n int); ALTER TABLE notes ENABLE ROW LEVEL SECURITY");
  });

  const refused = async (bucket: string, env: Record<string, string>, messages: readonly RegExp[]) => {
    const context = place.context({ env: { ...place.env, ...env } });
    await assert.rejects(
      createBackup.run({ bucket, environment: "test", reason: "manual" }, context),
      (error: unknown) => {
        assert.ok(error instanceof OperationError, String(error));
        assert.equal(error.kind, "refused");
        for (const message of messages) assert.match(error.message, message);
        return true;
      },
    );
    const { KeyCount } = await objectStorage(place.env).send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.equal(KeyCount, 0);
  };

  it("refuses a role that cannot see all rows, and a bucket that protects nothing, at once", async () => {
    const bucket = `${place.bucket}-bare`;
    await objectStorage(place.env).send(new CreateBucketCommand({ Bucket: bucket }));
    const app = (place.env["DATABASE_URL"] ?? "").replace(place.roles.migrator, place.roles.app);
    await place.sql("admin", "SELECT lo_create(0)");
    await refused(bucket, { BACKUP_DATABASE_URL: app }, [
      new RegExp(`${place.roles.app} may write public\\.notes: give the role for backups`),
      new RegExp(`${place.roles.app} does not see all rows of public\\.notes: it needs BYPASSRLS`),
      /may not read 1 large objects/,
      /the bucket keeps no versions, .*: run `pulumi up`/,
      /the bucket has no object lock, .*: run `pulumi up`/,
    ]);
    await place.sql("admin", "SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
  });

  it("refuses a superuser, and a bucket whose lock locks nothing by itself", async () => {
    const bucket = `${place.bucket}-lock`;
    await objectStorage(place.env).send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    const admin = (place.env["ADMIN_DATABASE_URL"] ?? "").replace(/\/postgres$/, `/${place.name}`);
    await refused(bucket, { BACKUP_DATABASE_URL: admin }, [
      /postgres is a superuser: give the role for backups/,
      /object lock has no default retention, so nothing is locked/,
    ]);
  });
});
