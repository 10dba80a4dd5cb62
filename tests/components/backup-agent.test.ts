import assert from "node:assert/strict";
import { BackupAgent, type BackupAgentArgs } from "../../components/backup-agent.ts";
import { BackupStorage } from "../../components/backup-storage.ts";
import { readAgentSettings } from "../../operations/agent/settings.ts";
import { deploy, mockEngine, type MockEngine, type MockOptions } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { placement, specOf } from "./placement.ts";

const keepDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
const digest = `sha256:${"a".repeat(64)}`;
const answer = {
  "backup-agent-apply": { stdout: JSON.stringify({ attempt: null, uuids: ["a-1"], url: null, digest }) },
};

async function declare(change: Partial<BackupAgentArgs> = {}, options: MockOptions = {}): Promise<MockEngine> {
  const engine = await mockEngine({ outputs: answer, ...options });
  await deploy(() => {
    const storage = new BackupStorage("backups", {
      ...{ bucket: "affexai-backups", environment: "production", lockDays: 7, keepDays },
    });
    return new BackupAgent("backup", {
      ...{ placement, environment: "production", image: record.images.backend, keepDays, storage, keepReplacedDays: 3 },
      cadence: ["hourly", "daily"],
      region: "eu-central-1",
      ledger: { bucket: "affexai-backups", environment: "production" },
      app: "affexai_app",
      databaseUrl: "postgresql://affexai_migrator:pw-1@pg:5432/affexai",
      backupDatabaseUrl: "postgresql://affexai_backup:pw-2@pg:5432/affexai",
      health: { intervalSeconds: 5, timeoutSeconds: 3, retries: 24, startPeriodSeconds: 10 },
      ...change,
    });
  });
  return engine;
}

/** The environment that the container gets. */
function containerEnvironment(engine: MockEngine): Record<string, string> {
  const { inputs } = engine.named("backup-agent-apply");
  const { variables } = specOf({ inputs }) as { variables: Record<string, string> };
  const secrets = Object.entries(inputs["environment"] as Record<string, string>);
  return {
    ...variables,
    ...Object.fromEntries(secrets.map(([name, value]) => [name.replace("VARIABLE_", ""), value])),
  };
}

describe("the backup agent", () => {
  it("is an application without hosts, of no release, that waits for its bucket", async () => {
    const engine = await declare();
    const spec = specOf(engine.named("backup-agent-apply")) as Record<string, unknown>;
    assert.deepEqual([spec["hosts"], spec["stamp"], spec["after"]], [[], null, ["affexai-backups"]]);
    assert.deepEqual(spec["secretVariables"], [
      "BACKUP_DATABASE_URL",
      ...["PRUNER", "READER", "WRITER"].flatMap((who) => [
        `BACKUP_${who}_ACCESS_KEY_ID`,
        `BACKUP_${who}_SECRET_ACCESS_KEY`,
      ]),
      "DATABASE_URL",
    ]);
    assert.deepEqual(spec["variables"], {
      AFFEXAI_SERVE: "agent",
      APP_ENVIRONMENT: "production",
      BACKUP_CADENCE: "hourly,daily",
      BACKUP_BUCKET: "affexai-backups",
      BACKUP_KEEP_DAYS: "pre-migration=7,hourly=2,daily=14,weekly=56,monthly=366,manual=30",
      KEEP_REPLACED_DAYS: "3",
      DATABASE_APP_ROLE: "affexai_app",
      AWS_REGION: "eu-central-1",
      AFFEXAI_IMAGE_DIGEST: digest,
      DRAIN_READY_SECONDS: "3",
      DRAIN_SECONDS: "1",
      DRAIN_LIMIT_SECONDS: "25",
      PORT: "8080",
    });
  });

  it("tells the agent what it needs to start, in every form", async () => {
    const plain = readAgentSettings(containerEnvironment(await declare()));
    assert.deepEqual([plain.cadence, plain.keepDays, plain.maintenance], [["hourly", "daily"], keepDays, undefined]);
    assert.equal(plain.keepReplacedDays, 3);
    const all = readAgentSettings(
      containerEnvironment(
        await declare({
          cadence: [],
          endpoint: "http://s3.example:9000",
          encryption: { recipients: ["age1one", "age1two"], identity: "AGE-SECRET-KEY-1X" },
          pageUrl: "https://page.example/secret",
          maintenance: {
            target: { uuid: "m-1", url: "https://affexai.com" },
            coolifyUrl: "https://coolify.example",
            token: "7|token",
          },
        }),
      ),
    );
    assert.deepEqual(all.maintenance, { uuid: "m-1", url: "https://affexai.com" });
    assert.deepEqual([all.cadence, all.pageUrl], [[], "https://page.example/secret"]);
  });

  it("shows no secret outside of secret inputs", async () => {
    const engine = await declare({ pageUrl: "https://page.example/secret" });
    assert.doesNotMatch(String(engine.named("backup-agent-apply").inputs["stdin"]), /pw-\d|-key-secret|page\.example/);
    assert.doesNotMatch(JSON.stringify(engine.named("backup").inputs), /pw-\d|-key-secret|page\.example/);
  });

  it("tells all its plain variables in a first preview, where policies judge them", async () => {
    const engine = await declare(
      {
        maintenance: {
          target: { uuid: "m-1", url: "https://affexai.com" },
          coolifyUrl: "https://c.example",
          token: "t",
        },
      },
      { preview: true },
    );
    const variables = engine.named("backup-agent").inputs["variables"] as Record<string, string>;
    assert.ok(
      Object.values(variables).every((value) => !value.includes("04da6b54")),
      JSON.stringify(variables),
    );
  });
});
