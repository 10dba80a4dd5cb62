import assert from "node:assert/strict";
import { isSecret } from "@pulumi/pulumi";
import { BackupStorage, type BackupStorageArgs } from "../../components/backup-storage.ts";
import { deploy, mockEngine, type MockEngine, valueOf } from "../pulumi.ts";

const args: BackupStorageArgs = {
  bucket: "affexai-backups",
  environment: "staging",
  lockDays: 7,
  keepDays: { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 },
};

interface Statement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource?: string | string[];
  NotResource?: string;
  Condition?: Record<string, unknown>;
}

function statements(engine: MockEngine, name: string): Statement[] {
  return (JSON.parse(engine.named(name).inputs["policy"] as string) as { Statement: Statement[] }).Statement;
}

describe("the backup storage", () => {
  let engine: MockEngine;
  let storage: BackupStorage;
  before(async () => {
    engine = await mockEngine();
    storage = await deploy(() => new BackupStorage("backups", args));
  });

  it("is exactly one bucket, what protects it, and three identities", () => {
    assert.deepEqual(
      engine.registered.map(({ name }) => name).sort(),
      [
        ...[
          "backups",
          "backups-bucket",
          "backups-encryption",
          "backups-lifecycle",
          "backups-lock",
          "backups-ownership",
        ],
        ...["backups-policy", "backups-privacy", "backups-versioning"],
        ...["writer", "reader", "pruner"].flatMap((who) =>
          ["", "-user", "-permissions", "-key"].map((part) => `backups-${who}${part}`),
        ),
      ].sort(),
    );
    assert.ok(engine.registered.slice(1).every(({ urn }) => urn.startsWith("affexai:storage:BackupStorage$")));
  });

  it("is protected, private, versioned, encrypted and locked", () => {
    const { inputs, protect } = engine.named("backups-bucket");
    assert.deepEqual(inputs, {
      bucket: "affexai-backups",
      objectLockEnabled: true,
      forceDestroy: false,
      tags: { environment: "staging" },
    });
    assert.ok(protect);
    const bucket = "affexai-backups";
    assert.deepEqual(engine.named("backups-privacy").inputs, {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(engine.named("backups-ownership").inputs, {
      bucket,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    assert.deepEqual(engine.named("backups-versioning").inputs, {
      bucket,
      versioningConfiguration: { status: "Enabled" },
    });
    assert.deepEqual(engine.named("backups-encryption").inputs, {
      bucket,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: false }],
    });
    assert.deepEqual(engine.named("backups-lock").inputs, {
      bucket,
      objectLockEnabled: "Enabled",
      rule: { defaultRetention: { mode: "GOVERNANCE", days: 7 } },
    });
  });

  it("waits with lock and lifecycle for versioning, and with the policy for the public access block", () => {
    assert.ok(engine.named("backups-lock").dependsOn.includes("backups-versioning"));
    assert.ok(engine.named("backups-lifecycle").dependsOn.includes("backups-versioning"));
    assert.ok(engine.named("backups-policy").dependsOn.includes("backups-privacy"));
  });

  it("expires backups by why they were made, 90 days after the pruner would have, and nothing else but old versions of leases", () => {
    interface Rule {
      id: string;
      filter: { prefix: string };
      expiration?: { days?: number };
      noncurrentVersionExpiration?: { noncurrentDays: number };
    }
    const rules = engine.named("backups-lifecycle").inputs["rules"] as Rule[];
    assert.deepEqual(
      rules.flatMap(({ filter, expiration }) =>
        expiration?.days === undefined ? [] : [[filter.prefix, expiration.days]],
      ),
      [
        ["backups/staging/pre-migration/", 97],
        ["backups/staging/hourly/", 92],
        ["backups/staging/daily/", 104],
        ["backups/staging/weekly/", 146],
        ["backups/staging/monthly/", 456],
        ["backups/staging/manual/", 120],
      ],
    );
    // A version that was written over is not the younger for it.
    assert.deepEqual(
      rules
        .slice(0, -1)
        .flatMap(({ noncurrentVersionExpiration }) => noncurrentVersionExpiration?.noncurrentDays ?? []),
      Object.values(args.keepDays),
    );
    assert.deepEqual(
      rules.filter(({ filter }) => !filter.prefix.startsWith("backups/staging/")),
      [
        {
          id: "drop-versions-of-leases",
          status: "Enabled",
          filter: { prefix: "leases/staging/" },
          noncurrentVersionExpiration: { noncurrentDays: 1 },
        },
      ],
    );
    assert.deepEqual(rules.at(-3), {
      id: "drop-markers-of-expired-backups",
      status: "Enabled",
      filter: { prefix: "backups/staging/" },
      expiration: { expiredObjectDeleteMarker: true },
    });
    assert.deepEqual(rules.at(-2), {
      id: "abort-unfinished-uploads",
      status: "Enabled",
      filter: { prefix: "backups/staging/" },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    });
  });

  it("lets only the pruner delete, only backups, and nobody bypass the lock", () => {
    const denials = statements(engine, "backups-policy");
    assert.ok(denials.every(({ Effect }) => Effect === "Deny"));
    const by = Object.fromEntries(denials.map((one) => [one.Sid, one]));
    assert.deepEqual(by["DenyInsecureTransport"]?.Condition, { Bool: { "aws:SecureTransport": "false" } });
    assert.deepEqual(by["DenyDeletesExceptPruner"]?.Condition, {
      ArnNotEquals: { "aws:PrincipalArn": "arn:aws:iam::000000000000:user/backups-pruner-user" },
    });
    assert.equal(by["DenyDeletesOutsideBackups"]?.NotResource, "arn:aws:s3:::affexai-backups/backups/staging/*");
    assert.equal(by["DenyBypassingTheLock"]?.Action, "s3:BypassGovernanceRetention");
    const leases = "arn:aws:s3:::affexai-backups/leases/staging/*";
    const creation = { Bool: { "s3:ObjectCreationOperation": "true" } };
    assert.equal(by["DenyWritingOver"]?.NotResource, leases);
    assert.deepEqual(by["DenyWritingOver"]?.Condition, { Null: { "s3:if-none-match": "true" }, ...creation });
    assert.equal(by["DenyWritingOverUnseenLeases"]?.Resource, leases);
    assert.deepEqual(by["DenyWritingOverUnseenLeases"]?.Condition, {
      Null: { "s3:if-none-match": "true", "s3:if-match": "true" },
      ...creation,
    });
    const deleters = ["writer", "reader", "pruner"].filter((who) =>
      JSON.stringify(statements(engine, `backups-${who}-permissions`)).includes("s3:Delete"),
    );
    assert.deepEqual(deleters, ["pruner"]);
    assert.deepEqual(statements(engine, "backups-pruner-permissions")[1]?.Resource, [
      "arn:aws:s3:::affexai-backups/backups/staging/*",
    ]);
  });

  it("lets the writer write backups, drills, ledger, leases and journal of its environment, and nothing else", () => {
    const writes = statements(engine, "backups-writer-permissions").filter(({ Action }) =>
      [Action].flat().includes("s3:PutObject"),
    );
    assert.deepEqual(
      writes.map(({ Resource }) => Resource),
      [
        ["backups", "drills", "releases", "leases", "journal", "journal-copy"].map(
          (folder) => `arn:aws:s3:::affexai-backups/${folder}/staging/*`,
        ),
      ],
    );
  });

  it("lets the writer lock backups as long as they are kept, and nobody longer, or for good", () => {
    const locks = (who: string) =>
      statements(engine, `backups-${who}-permissions`).filter(({ Action }) => Action === "s3:PutObjectRetention");
    assert.deepEqual(
      locks("writer").map(({ Resource }) => Resource),
      [["arn:aws:s3:::affexai-backups/backups/staging/*"]],
    );
    assert.deepEqual([...locks("reader"), ...locks("pruner")], []);
    const denials = statements(engine, "backups-policy").filter(({ Action }) => Action === "s3:PutObjectRetention");
    const days = (most: string) => ({ NumericGreaterThan: { "s3:object-lock-remaining-retention-days": most } });
    const folder = "arn:aws:s3:::affexai-backups/backups/staging";
    assert.deepEqual(
      denials.map(({ Resource, Condition }) => [Resource, Condition]),
      [
        ["arn:aws:s3:::affexai-backups/*", { StringNotEquals: { "s3:object-lock-mode": "GOVERNANCE" } }],
        [`${folder}/pre-migration/*`, days("7")],
        // The bucket's own default is longer.
        [`${folder}/hourly/*`, days("7")],
        [`${folder}/daily/*`, days("14")],
        [`${folder}/weekly/*`, days("56")],
        [`${folder}/monthly/*`, days("366")],
        [`${folder}/manual/*`, days("30")],
      ],
    );
  });

  it("tells the bucket's name, and the writer's key as a secret", async () => {
    assert.equal(await valueOf(storage.bucket), "affexai-backups");
    assert.equal(await valueOf(storage.writer.accessKeyId), "backups-writer-key-id");
    assert.equal(await isSecret(storage.writer.secretAccessKey), true);
  });

  it("refuses a lock of less than a day", async () => {
    await mockEngine();
    await assert.rejects(
      deploy(() => new BackupStorage("backups", { ...args, lockDays: 0 })),
      /lockDays must be at least 1, got 0/,
    );
  });
});
