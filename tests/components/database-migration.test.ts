import assert from "node:assert/strict";
import { DatabaseMigration, type DatabaseMigrationArgs } from "../../components/database-migration.ts";
import { MediaStorage } from "../../components/media-storage.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { specOf } from "./placement.ts";

const args: DatabaseMigrationArgs = {
  record,
  stamp: { id: record.id, after: null },
  previous: null,
  ledger: { bucket: "affexai-backups", environment: "staging" },
  image: record.images.backend,
  imageRuntime: "docker",
  dataSource: "dist/data-source.js",
  nodePath: "node",
  app: "affexai_app",
  databaseUrl: "postgresql://migrator:pw@pg/affexai",
  backupDatabaseUrl: "postgresql://backup:pw@pg/affexai",
  lockTimeoutSeconds: 5,
  statementTimeoutSeconds: 300,
  protectedTables: [{ table: "users", columns: ["id", "email"] }],
  backupMaxAgeSeconds: 3600,
  after: [],
};

const answer = {
  "migration-run": {
    stdout: JSON.stringify({
      attempt: "000001",
      outcome: "migrated",
      applied: ["CreateUsers1700000000000"],
      backup: "20261123T170000Z-000000",
      fingerprint: "f".repeat(64),
      previousReleaseRuns: null,
    }),
  },
};

describe("a database migration", () => {
  it("is one run with the whole release record, and its two URLs as secrets", async () => {
    const engine = await mockEngine({ outputs: answer });
    const migration = await deploy(() => new DatabaseMigration("migration", args));
    const command = engine.named("migration-run");
    const { databaseUrl, backupDatabaseUrl, previous, after, ...spec } = args;
    assert.deepEqual([previous, after], [null, []]);
    assert.deepEqual(specOf(command), { owner: "migration", ...spec });
    assert.deepEqual(command.inputs["environment"], {
      DATABASE_URL: databaseUrl,
      BACKUP_DATABASE_URL: backupDatabaseUrl,
    });
    assert.equal(command.inputs["create"], "run");
    assert.deepEqual(engine.named("migration").secrets, ["backupDatabaseUrl", "databaseUrl"]);
    assert.equal(await valueOf(migration.attempt), "000001");
    assert.equal(await valueOf(migration.outcome), "migrated");
    assert.equal(await valueOf(migration.backup), "20261123T170000Z-000000");
  });

  it("encrypts its backup to the stack's keys, and can read it on the way back", async () => {
    const engine = await mockEngine({ outputs: answer });
    const encryption = { recipients: ["age1one", "age1two"], identity: "AGE-SECRET-KEY-1X" };
    await deploy(() => new DatabaseMigration("migration", { ...args, encryption }));
    const { BACKUP_RECIPIENTS, BACKUP_IDENTITY } = engine.named("migration-run").inputs["environment"] as Record<
      string,
      string
    >;
    assert.deepEqual([BACKUP_RECIPIENTS, BACKUP_IDENTITY], ["age1one,age1two", "AGE-SECRET-KEY-1X"]);
    assert.deepEqual(engine.named("migration").secrets, ["backupDatabaseUrl", "backupIdentity", "databaseUrl"]);
    assert.doesNotMatch(JSON.stringify(specOf(engine.named("migration-run"))), /age1|AGE-SECRET/);
  });

  it("waits for everything of what it comes after", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(() => {
      const media = new MediaStorage("media", { bucket: "affexai-media", origins: [] });
      return new DatabaseMigration("migration", { ...args, after: [media] });
    });
    const waits = engine.named("migration-run").dependsOn;
    assert.ok(waits.includes("media-bucket") && waits.includes("media-application-key"));
  });
});
