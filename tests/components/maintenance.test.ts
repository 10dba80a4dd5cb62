import assert from "node:assert/strict";
import { Maintenance, type MaintenanceArgs } from "../../components/maintenance.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { placement, specOf } from "./placement.ts";

const args: MaintenanceArgs = {
  placement,
  environment: "staging",
  image: record.images.backend,
  hosts: ["staging-api.affexai.com", "staging.affexai.com"],
  tls: true,
  url: "https://staging.affexai.com",
  ledger: { bucket: "affexai-backups", environment: "staging" },
};
const digest = `sha256:${"a".repeat(64)}`;
const answer = {
  "maintenance-page-apply": {
    stdout: JSON.stringify({ attempt: null, uuids: ["m-1"], url: "https://staging-api.affexai.com", digest }),
  },
};

describe("maintenance", () => {
  it("is one application of no release that stands by for all hosts", async () => {
    const engine = await mockEngine({ outputs: answer });
    const maintenance = await deploy(() => new Maintenance("maintenance", args));
    assert.deepEqual(engine.shape(), [
      "affexai:coolify:Maintenance$affexai:coolify:CoolifyApplication$command:local:Command::maintenance-page-apply",
      "affexai:coolify:Maintenance$affexai:coolify:CoolifyApplication::maintenance-page",
      "affexai:coolify:Maintenance::maintenance",
    ]);
    assert.deepEqual(specOf(engine.named("maintenance-page-apply")), {
      placement,
      environment: "staging",
      image: record.images.backend,
      hosts: args.hosts,
      tls: true,
      ledger: args.ledger,
      standby: true,
      stamp: null,
      port: 8080,
      replicas: 1,
      gateAnswers: 3,
      canary: null,
      health: { path: "/health", intervalSeconds: 1, timeoutSeconds: 2, retries: 4, startPeriodSeconds: 5 },
      versionPath: "/version",
      drain: { readySeconds: 3, drainSeconds: 10 },
      stopGracePeriodSeconds: 25,
      rolloutTimeoutSeconds: 120,
      limits: { memory: "128m" },
      owner: "affexai/test/maintenance-page",
      name: "maintenance-page",
      variables: {
        AFFEXAI_SERVE: "maintenance",
        AFFEXAI_IMAGE_DIGEST: digest,
        DRAIN_READY_SECONDS: "3",
        DRAIN_SECONDS: "10",
        DRAIN_LIMIT_SECONDS: "11",
        PORT: "8080",
      },
      secretVariables: [],
      after: [],
    });
    assert.equal(engine.named("maintenance-page-apply").inputs["environment"], undefined);
    assert.deepEqual(await valueOf(maintenance.target), { uuid: "m-1", url: "https://staging.affexai.com" });
  });
});
