import assert from "node:assert/strict";
import { BackupAgent } from "../../components/backup-agent.ts";
import { BackupStorage } from "../../components/backup-storage.ts";
import { backupStore } from "../../operations/backup/backup-store.ts";
import { readDrills } from "../../operations/backup/drill-record.ts";
import { ApplicationSpec } from "../../operations/coolify/spec.ts";
import { buildFolder } from "../../sandbox/workload/build.ts";
import { publishTools } from "../../sandbox/tools/publish.ts";
import { environment, type Environment } from "../operations/database/support/platform.ts";
import { openPlatform, type Platform } from "../operations/coolify/platform.ts";
import { deploy, mockEngine } from "../pulumi.ts";
import { until } from "../sandbox/coolify/fixture.ts";
import { specOf } from "./placement.ts";

const keepDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };

describe("the backup agent on Coolify", () => {
  let platform: Platform;
  let place: Environment;
  before(async () => {
    [platform, place] = await Promise.all([openPlatform(), environment()]);
    await place.sql("migrator", "CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1), (2)");
  });
  after(() => platform.close());

  /** 127.0.0.1 is the container's own in a container. */
  const fromContainers = (name: string) => (place.env[name] ?? "").replace("127.0.0.1", "machine.localhost");

  /** What the component's command is told: the spec, and the values of its secret variables. */
  const declared = async (image: string): Promise<{ spec: ApplicationSpec; secrets: Record<string, string> }> => {
    const ledger = { bucket: place.bucket, environment: "test" };
    const digest = image.split("@")[1];
    const engine = await mockEngine({
      outputs: {
        "backup-agent-apply": { stdout: JSON.stringify({ attempt: null, uuids: ["a-1"], url: null, digest }) },
      },
    });
    await deploy(() => {
      const storage = new BackupStorage("backups", {
        ...{ bucket: place.bucket, environment: "test", lockDays: 1, keepDays },
      });
      return new BackupAgent("backup", {
        ...{ image, keepDays, storage, ledger, environment: "test", app: place.roles.app },
        placement: platform.spec({ name: "backup-agent", image }).placement,
        cadence: ["daily"],
        keepReplacedDays: 7,
        region: "eu-central-1",
        endpoint: fromContainers("AWS_ENDPOINT_URL"),
        databaseUrl: fromContainers("DATABASE_URL"),
        backupDatabaseUrl: fromContainers("BACKUP_DATABASE_URL"),
        health: { intervalSeconds: 1, timeoutSeconds: 2, retries: 20, startPeriodSeconds: 1 },
      });
    });
    const command = engine.named("backup-agent-apply");
    const secrets = { ...(command.inputs["environment"] as Record<string, string>) };
    for (const who of ["WRITER", "READER", "PRUNER"]) {
      secrets[`VARIABLE_BACKUP_${who}_ACCESS_KEY_ID`] = place.env.AWS_ACCESS_KEY_ID ?? "";
      secrets[`VARIABLE_BACKUP_${who}_SECRET_ACCESS_KEY`] = place.env.AWS_SECRET_ACCESS_KEY ?? "";
    }
    return { spec: ApplicationSpec.parse(specOf(command)), secrets };
  };

  it("is rolled out as it is declared, takes the backup that is due, and proves it", async () => {
    const { registry, credentials } = platform.workshop;
    const { reference } = await publishTools({ registry, auth: credentials, dir: `${buildFolder}/tools` });
    const { spec, secrets } = await declared(reference);
    const { uuids } = await platform.apply(spec, undefined, secrets);
    assert.equal(uuids.length, 1);
    const store = backupStore({ bucket: place.bucket, environment: "test" }, place.context());
    const backup = await until("the backup of the day", async () => (await store.manifests())[0]);
    assert.deepEqual([backup.reason, backup.database], ["daily", place.name]);
    const drill = await until("its drill", async () => (await readDrills(store, backup.id))[0]);
    assert.equal(drill.rows, 2);
  });
});
