import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Input, isSecret, output } from "@pulumi/pulumi";
import { StackTargets } from "../../operations/release/spec.ts";
import { StackOutputs } from "../../operations/stack.ts";
import { loadConfig } from "../../stacks/config.ts";
import { platform } from "../../stacks/platform.ts";
import { deploy, mockEngine, type MockEngine, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { placement } from "../components/placement.ts";
import { configure, secretsOf, stackFile } from "./stack-file.ts";

const functions = {
  "docker:index/getRegistryImage:getRegistryImage": ({ name }: Record<string, unknown>) => ({
    sha256Digest: String(name).split("@")[1],
  }),
};
const answer = (value: object) => ({ stdout: JSON.stringify(value), stderr: "" });
const attempt = "000001";
const digest = `sha256:${"a".repeat(64)}`;
const answers = {
  "project-apply": answer(placement),
  "database-apply": answer({ uuid: "d-1", host: "pg", port: 5432 }),
  "cache-apply": answer({ uuid: "r-1", host: "redis", port: 6379 }),
  "roles-apply": answer({ roles: [], serverVersion: 160003 }),
  "migration-run": answer({
    attempt,
    outcome: "migrated",
    applied: [],
    backup: "20261123T170000Z-000000",
    fingerprint: "f",
    previousReleaseRuns: null,
  }),
  "backend-apply": answer({ attempt, uuids: ["b-1"], url: "https://staging-api.affexai.com", digest }),
  "frontend-apply": answer({ attempt, uuids: ["f-1"], url: "https://staging.affexai.com", digest }),
  "maintenance-page-apply": answer({ attempt: null, uuids: ["m-1"], url: "https://staging-api.affexai.com", digest }),
  "backup-agent-apply": answer({ attempt: null, uuids: ["a-1"], url: null, digest }),
  "smoke-test-run": answer({ attempt, answers: 10 }),
  "ledger-entry-record": answer({ attempt, verifiedAt: "2026-11-23T17:00:00Z" }),
};

type Outputs = ReturnType<typeof platform>;

async function declare(stack: string, preview: boolean): Promise<{ engine: MockEngine; outputs: Outputs }> {
  const engine = await mockEngine({ stack, preview, functions, outputs: answers });
  configure(await stackFile(stack), secretsOf(stack));
  const config = loadConfig();
  const outputs = await deploy(() =>
    platform(config, { record, stamp: { id: record.id, after: null }, previous: null }),
  );
  return { engine, outputs };
}

const storage = (type: string, name: string, ...more: string[]) => [
  `affexai:storage:${type}::${name}`,
  `affexai:storage:${type}$aws:s3/bucket:Bucket::${name}-bucket`,
  `affexai:storage:${type}$aws:s3/bucketOwnershipControls:BucketOwnershipControls::${name}-ownership`,
  `affexai:storage:${type}$aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::${name}-privacy`,
  `affexai:storage:${type}$aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::${name}-encryption`,
  `affexai:storage:${type}$aws:s3/bucketVersioning:BucketVersioning::${name}-versioning`,
  ...more.map((one) => `affexai:storage:${type}$aws:s3/${one}`),
];
const identity = (parent: string, name: string) => [
  `affexai:storage:${parent}$affexai:storage:BucketIdentity::${name}`,
  `affexai:storage:${parent}$affexai:storage:BucketIdentity$aws:iam/accessKey:AccessKey::${name}-key`,
  `affexai:storage:${parent}$affexai:storage:BucketIdentity$aws:iam/user:User::${name}-user`,
  `affexai:storage:${parent}$affexai:storage:BucketIdentity$aws:iam/userPolicy:UserPolicy::${name}-permissions`,
];
const operation = (type: string, name: string, verb: string) => [
  `affexai:${type}::${name}`,
  `affexai:${type}$command:local:Command::${name}-${verb}`,
];
const password = (owner: string, name: string) => `${owner}random:index/randomPassword:RandomPassword::${name}`;
const delivery = (kind: string, name: string) =>
  `affexai:github:GithubDelivery$github:index/${kind[0]?.toLowerCase()}${kind.slice(1)}:${kind}::github-${name}`;

/** What every stack declares. */
const common = [
  ...storage(
    "BackupStorage",
    "backups",
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration::backups-lifecycle",
    "bucketObjectLockConfiguration:BucketObjectLockConfiguration::backups-lock",
    "bucketPolicy:BucketPolicy::backups-policy",
  ),
  ...["writer", "reader", "pruner"].flatMap((who) => identity("BackupStorage", `backups-${who}`)),
  ...storage("MediaStorage", "media", "bucketCorsConfiguration:BucketCorsConfiguration::media-cors"),
  ...identity("MediaStorage", "media-application"),
  "affexai:delivery:ContainerImage::backend-image",
  "affexai:delivery:ContainerImage::frontend-image",
  ...operation("coolify:CoolifyProject", "project", "apply"),
  "affexai:coolify:PostgresDatabase::database",
  "affexai:coolify:RedisCache::cache",
  ...operation("database:DatabaseRoles", "roles", "apply"),
  ...["migrator", "app", "backup"].map((role) => password("affexai:database:DatabaseRoles$", `roles-${role}-password`)),
  ...operation("database:DatabaseMigration", "migration", "run"),
  password("", "jwt-secret"),
  ...operation("coolify:CoolifyApplication", "backend", "apply"),
  ...operation("coolify:CoolifyApplication", "frontend", "apply"),
  ...operation("release:SmokeTest", "smoke-test", "run"),
  ...operation("release:LedgerEntry", "ledger-entry", "record"),
  "affexai:github:GithubDelivery::github",
  delivery("RepositoryEnvironment", "environment"),
  delivery("RepositoryEnvironmentDeploymentPolicy", "branch-main"),
  ...["backend-url", "frontend-url", "backup-bucket", "aws-region"].map((name) =>
    delivery("ActionsEnvironmentVariable", `variable-${name}`),
  ),
  ...["backup-access-key-id", "backup-secret-access-key"].map((name) =>
    delivery("ActionsEnvironmentSecret", `secret-${name}`),
  ),
];
/** What a stack that names the tools image declares besides. */
const tools = [
  "affexai:delivery:ContainerImage::tools-image",
  ...[
    ["Maintenance", "maintenance", "maintenance-page"],
    ["BackupAgent", "backup", "backup-agent"],
  ].flatMap(([type, name, application]) => [
    `affexai:coolify:${type}::${name}`,
    `affexai:coolify:${type}$affexai:coolify:CoolifyApplication::${application}`,
    `affexai:coolify:${type}$affexai:coolify:CoolifyApplication$command:local:Command::${application}-apply`,
  ]),
];
const databasesOnCoolify = [
  "affexai:coolify:PostgresDatabase$command:local:Command::database-apply",
  password("affexai:coolify:PostgresDatabase$", "database-password"),
  "affexai:coolify:RedisCache$command:local:Command::cache-apply",
  password("affexai:coolify:RedisCache$", "cache-password"),
];

describe("the platform", () => {
  it("of staging, in a preview, is this", async () => {
    const { engine } = await declare("staging", true);
    const branch = delivery("RepositoryEnvironmentDeploymentPolicy", "branch-develop");
    assert.deepEqual(engine.shape(), [...common, ...tools, ...databasesOnCoolify, branch].sort());
  });

  it("of production, in a preview, is this, with databases that it does not own", async () => {
    const { engine } = await declare("production", true);
    assert.deepEqual(engine.shape(), [...common, ...tools].sort());
  });

  it("of the sandbox is without the tools, which its stack file does not name", async () => {
    const { engine, outputs } = await declare("sandbox", true);
    assert.deepEqual(engine.shape(), [...common, ...databasesOnCoolify].sort());
    assert.equal("maintenance" in outputs.targets, false);
  });

  it("names every child after its component", async () => {
    const { engine } = await declare("staging", true);
    const components = new Map<string, string>();
    for (const { urn, type, name } of engine.registered) {
      const [chain = ""] = urn.split("::");
      const parent = components.get(chain.split("$").slice(0, -1).join("$"));
      if (parent !== undefined) assert.ok(name.startsWith(parent.split("|")[0] ?? ""), `${name} under ${parent}`);
      if (type.startsWith("affexai:")) components.set(chain, commonStart(components.get(chain), name));
    }
  });

  it("lets no secret into a spec, whatever the generated ones are", async () => {
    const { engine } = await declare("staging", false);
    const specs = engine.registered.filter(({ type }) => type === "command:local:Command");
    assert.equal(specs.length, 11);
    for (const { name, inputs } of specs) {
      assert.ok(!/generated-|-key-secret|postgresql:|redis:\/\//.test(String(inputs["stdin"])), name);
      assert.deepEqual(inputs["delete"], "retire");
      assert.equal(inputs["triggers"], undefined);
    }
  });

  it("goes through migration, backend, frontend, smoke test and ledger one after another", async () => {
    const { engine } = await declare("staging", false);
    const waits = (name: string, before: string) => assert.ok(engine.named(name).dependsOn.includes(before), name);
    waits("migration-run", "backups-lock");
    waits("migration-run", "roles-apply");
    waits("backend-apply", "migration-run");
    waits("frontend-apply", "backend-apply");
    waits("smoke-test-run", "backend-apply");
    waits("smoke-test-run", "frontend-apply");
    waits("ledger-entry-record", "smoke-test-run");
  });

  it("gives the applications what their environment stands for", async () => {
    const staging = await backendVariables("staging");
    assert.deepEqual(staging, {
      NODE_ENV: "production",
      APP_ENVIRONMENT: "staging",
      LOG_LEVEL: "debug",
      DATABASE_SYNCHRONIZE: "false",
      CORS_ORIGIN: "https://staging.affexai.com",
      RATE_LIMIT_ENABLED: "true",
      RATE_LIMIT_MAX: "600",
      RATE_LIMIT_WINDOW_SECONDS: "60",
      ENABLE_EMAIL_MARKETING: "true",
      ENABLE_CHAT: "true",
      ENABLE_ANALYTICS: "true",
      AWS_S3_BUCKET: "affexai-staging-media",
      AWS_REGION: "eu-central-1",
      PORT: "3001",
      AFFEXAI_IMAGE_DIGEST: digest,
      DRAIN_READY_SECONDS: "3",
      DRAIN_SECONDS: "10",
      DRAIN_LIMIT_SECONDS: "26",
    });
  });

  it("limits requests more strictly in production, and not at all in the sandbox", async () => {
    const production = await backendVariables("production");
    assert.equal(production["RATE_LIMIT_MAX"], "100");
    assert.equal(production["LOG_LEVEL"], "info");
    const sandbox = await backendVariables("sandbox");
    assert.equal(sandbox["CORS_ORIGIN"], "http://affexai.localhost:7300");
    assert.equal(sandbox["AWS_ENDPOINT_URL"], "http://s3.sandbox.localhost:7302");
    assert.equal(sandbox["RATE_LIMIT_MAX"], undefined);
  });

  it("tells people's verbs their targets, and the database's URLs and the pruner's key as secrets", async () => {
    const { outputs } = await declare("staging", false);
    const targets = StackTargets.parse(await resolved(outputs.targets));
    assert.deepEqual(
      targets.applications.map(({ name, url, uuids }) => ({ name, url, uuids })),
      [
        { name: "backend", url: "https://staging-api.affexai.com", uuids: ["b-1"] },
        { name: "frontend", url: "https://staging.affexai.com", uuids: ["f-1"] },
      ],
    );
    assert.deepEqual(targets.maintenance, { uuid: "m-1", url: "https://staging.affexai.com" });
    assert.equal(targets.bucket, "affexai-staging-backups");
    assert.equal(targets.roles.app, "affexai_staging_app");
    assert.deepEqual(await valueOf(outputs.release), record);
    for (const url of [outputs.databaseUrl, outputs.backupDatabaseUrl, outputs.adminDatabaseUrl]) {
      assert.equal(await isSecret(url), true);
      assert.match((await valueOf(output(url))) ?? "", /^postgresql:\/\/affexai_/);
    }
    assert.equal(await isSecret(outputs.pruner.secretAccessKey), true);
  });
});

describe("the program", () => {
  it("exports all that the platform returns, and with it every output that people's verbs read", async () => {
    const [, names = ""] = /export const \{([^}]*)\} =\s+platform\(/.exec(await readFile("index.ts", "utf8")) ?? [];
    const exported = names.split(",").map((name) => name.trim());
    const { outputs } = await declare("production", true);
    assert.deepEqual(exported.toSorted(), Object.keys(outputs).toSorted());
    for (const name of Object.keys(StackOutputs.shape)) assert.ok(exported.includes(name), `${name} is not exported`);
  });
});

async function backendVariables(stack: string): Promise<Record<string, string>> {
  const { engine } = await declare(stack, false);
  return engine.named("backend").inputs["variables"] as Record<string, string>;
}

/** Components of one type share their chain: what their names have in common is what a child must begin with. */
function commonStart(known: string | undefined, name: string): string {
  if (known === undefined) return name;
  let length = 0;
  while (length < known.length && known[length] === name[length]) length += 1;
  return name.slice(0, length);
}

async function resolved(value: Input<unknown>): Promise<unknown> {
  return valueOf(output(value));
}
