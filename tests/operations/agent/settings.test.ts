import assert from "node:assert/strict";
import { readAgentSettings, withIdentity } from "../../../operations/agent/settings.ts";
import { OperationError } from "../../../operations/error.ts";

const env = {
  APP_ENVIRONMENT: "production",
  BACKUP_BUCKET: "affexai-backups",
  BACKUP_CADENCE: "hourly,daily",
  BACKUP_KEEP_DAYS: "pre-migration=7,hourly=2,daily=14,weekly=56,monthly=366,manual=30",
  DATABASE_APP_ROLE: "affexai_app",
  DATABASE_URL: "postgresql://affexai_migrator:secret-1@pg:5432/affexai",
  BACKUP_DATABASE_URL: "postgresql://affexai_backup:secret-2@pg:5432/affexai",
  AWS_REGION: "eu-central-1",
  BACKUP_WRITER_ACCESS_KEY_ID: "writer",
  BACKUP_WRITER_SECRET_ACCESS_KEY: "writer-secret",
  BACKUP_READER_ACCESS_KEY_ID: "reader",
  BACKUP_READER_SECRET_ACCESS_KEY: "reader-secret",
  BACKUP_PRUNER_ACCESS_KEY_ID: "pruner",
  BACKUP_PRUNER_SECRET_ACCESS_KEY: "pruner-secret",
};

function refusal(change: Record<string, string | undefined>): OperationError {
  try {
    readAgentSettings({ ...env, ...change });
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
  assert.fail("they were accepted");
}

describe("the agent's settings", () => {
  it("come from variables, with what is seldom changed filled in", () => {
    assert.deepEqual(readAgentSettings(env), {
      environment: "production",
      port: 8080,
      cadence: ["hourly", "daily"],
      timeZone: "UTC",
      bucket: "affexai-backups",
      keepDays: { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 },
      keepAtLeast: 3,
      keepReplacedDays: 7,
      historyTable: undefined,
      app: "affexai_app",
      maintenance: undefined,
      pageUrl: undefined,
    });
  });

  it("are refused with all that is wrong at once, and no value of a secret", () => {
    const { kind, message } = refusal({
      BACKUP_BUCKET: undefined,
      BACKUP_CADENCE: "daily,sometimes",
      BACKUP_KEEP_DAYS: "daily=14,hourly=soon",
      BACKUP_TIME_ZONE: "Berlin",
      DATABASE_URL: "mysql://root:secret-3@pg",
      BACKUP_PRUNER_SECRET_ACCESS_KEY: "",
      PORT: "http",
    });
    assert.equal(kind, "usage");
    for (const name of [
      "BACKUP_BUCKET: is not set",
      "BACKUP_CADENCE.1",
      "BACKUP_KEEP_DAYS.hourly",
      "BACKUP_KEEP_DAYS.weekly",
      "BACKUP_TIME_ZONE",
      "DATABASE_URL: has the scheme mysql:, names no database",
      "BACKUP_PRUNER_SECRET_ACCESS_KEY: is not set",
      "PORT",
    ]) {
      assert.ok(message.includes(`\n  ${name}`), `${name} in ${message}`);
    }
    assert.doesNotMatch(message, /secret-\d|-secret/);
  });

  it("want all that maintenance needs, or none of it", () => {
    const { message } = refusal({ MAINTENANCE_UUID: "m-1", COOLIFY_URL: "https://coolify.example" });
    assert.match(message, /MAINTENANCE_URL: goes with/);
    assert.match(message, /COOLIFY_TOKEN: goes with/);
  });

  it("give each job the keys of its own identity, under their standard names", () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = withIdentity(env, "pruner");
    assert.deepEqual([AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY], ["pruner", "pruner-secret"]);
  });
});
