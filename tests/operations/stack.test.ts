import assert from "node:assert/strict";
import { StackTargets } from "../../operations/release/spec.ts";
import { prunerEnvironment, stackEnvironment } from "../../operations/stack.ts";
import { record } from "../release-record.ts";

const targets = StackTargets.parse({
  ...{ environment: "staging", bucket: "backups", database: "affexai", applications: [], criticalPaths: [] },
  roles: { migrator: "m", app: "a", backup: "b" },
  migrations: { imageRuntime: "docker", nodePath: "node", dataSource: "dist/data-source.js" },
});
const outputs = { release: record, targets, databaseUrl: "one", backupDatabaseUrl: "two", adminDatabaseUrl: "three" };

describe("the environment of a verb with --stack", () => {
  it("encrypts backups to the stack's keys, and to the process's own where the stack has none", () => {
    const env = { BACKUP_RECIPIENTS: "age1mine", HOME: "/home" };
    assert.deepEqual(stackEnvironment(outputs, env), {
      ...{ HOME: "/home", DATABASE_URL: "one", BACKUP_DATABASE_URL: "two", ADMIN_DATABASE_URL: "three" },
      ...{ DATABASE_SSH: undefined, BACKUP_RECIPIENTS: "age1mine" },
    });
    const encrypting = { ...outputs, targets: { ...targets, recipients: ["age1one", "age1two"] } };
    assert.equal(stackEnvironment(encrypting, env).BACKUP_RECIPIENTS, "age1one,age1two");
  });
});

describe("the environment in which backups are deleted", () => {
  const env = {
    AWS_ACCESS_KEY_ID: "mine",
    AWS_SECRET_ACCESS_KEY: "my-secret",
    AWS_SESSION_TOKEN: "of-mine",
    HOME: "/home",
  };

  it("has the keys of the stack's pruner, and nothing of the process's own", () => {
    const pruner = { accessKeyId: "pruner", secretAccessKey: "pruner-secret" };
    assert.deepEqual(prunerEnvironment({ pruner }, env), {
      ...{ AWS_ACCESS_KEY_ID: "pruner", AWS_SECRET_ACCESS_KEY: "pruner-secret", AWS_SESSION_TOKEN: undefined },
      HOME: "/home",
    });
  });

  it("is the process's own where the stack names no pruner yet", () => {
    assert.deepEqual(prunerEnvironment({ pruner: undefined }, env), env);
  });
});
