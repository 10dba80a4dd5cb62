import assert from "node:assert/strict";
import { CoolifyApplication, type CoolifyApplicationArgs } from "../../components/coolify-application.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { placement, specOf } from "./placement.ts";

const args: CoolifyApplicationArgs = {
  placement,
  environment: "staging",
  image: record.images.backend,
  port: 3001,
  hosts: ["staging-api.affexai.com"],
  tls: true,
  replicas: 1,
  health: { path: "/health/ready", intervalSeconds: 5, timeoutSeconds: 3, retries: 12, startPeriodSeconds: 10 },
  versionPath: "/version",
  drain: { readySeconds: 3, drainSeconds: 10 },
  stopGracePeriodSeconds: 40,
  limits: { memory: "1g" },
  variables: { LOG_LEVEL: "info" },
  secretVariables: { JWT_SECRET: "jwt-secret-value", DATABASE_URL: "postgresql://app:pw@pg/affexai" },
  stamp: { id: record.id, after: "000003" },
  ledger: { bucket: "affexai-backups", environment: "staging" },
  rolloutTimeoutSeconds: 600,
  after: ["000004"],
};
const canary = { holdSeconds: 60, metricsPath: "/metrics", maxErrorRatio: 0.01, maxLatencyRatio: 3, minRequests: 50 };
const digest = `sha256:${"a".repeat(64)}`;
const answer = {
  "backend-apply": {
    stdout: JSON.stringify({ attempt: "000004", uuids: ["a-1"], url: "https://staging-api.affexai.com", digest }),
  },
};

describe("a Coolify application", () => {
  it("is one apply with its settings, its plain variables, and the names of its secret ones", async () => {
    const engine = await mockEngine({ outputs: answer });
    const application = await deploy(() => new CoolifyApplication("backend", args));
    const command = engine.named("backend-apply");
    assert.deepEqual(specOf(command), {
      ...args,
      gateAnswers: 3,
      canary: null,
      owner: "affexai/test/backend",
      name: "backend",
      variables: {
        LOG_LEVEL: "info",
        PORT: "3001",
        AFFEXAI_IMAGE_DIGEST: digest,
        DRAIN_READY_SECONDS: "3",
        DRAIN_SECONDS: "10",
        DRAIN_LIMIT_SECONDS: "26",
      },
      secretVariables: ["DATABASE_URL", "JWT_SECRET"],
    });
    assert.deepEqual(command.inputs["environment"], {
      VARIABLE_DATABASE_URL: "postgresql://app:pw@pg/affexai",
      VARIABLE_JWT_SECRET: "jwt-secret-value",
    });
    assert.equal(command.createTimeout, "15m");
    assert.equal(await valueOf(application.url), "https://staging-api.affexai.com");
    assert.equal(await valueOf(application.digest), digest);
    assert.deepEqual(await valueOf(application.uuids), ["a-1"]);
  });

  it("shows policies its arguments, with the secret ones marked", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(() => new CoolifyApplication("backend", args));
    const { inputs, secrets } = engine.named("backend");
    assert.equal(inputs["image"], args.image);
    assert.deepEqual(inputs["health"], args.health);
    assert.ok(secrets.length > 0 && secrets.every((path) => path.startsWith("secretVariables")));
  });

  it("runs again when the newest unverified attempt is another one", async () => {
    const specs = [];
    for (const after of [null, "000003"]) {
      const engine = await mockEngine({ outputs: answer });
      await deploy(() => new CoolifyApplication("backend", { ...args, stamp: { id: record.id, after } }));
      specs.push(engine.named("backend-apply").inputs["stdin"]);
    }
    assert.notEqual(specs[0], specs[1]);
  });

  it("gives the verb time for each of its replicas, and for the canary's hold", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(() => new CoolifyApplication("backend", { ...args, replicas: 3, canary }));
    assert.equal(engine.named("backend-apply").createTimeout, "36m");
  });

  it("leaves the drain at least a second for what is still running", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(() => new CoolifyApplication("backend", { ...args, stopGracePeriodSeconds: 14 }));
    const { variables } = specOf(engine.named("backend-apply")) as { variables: Record<string, string> };
    assert.equal(variables["DRAIN_LIMIT_SECONDS"], "1");
  });

  for (const [what, bent, message] of [
    ["no replica at all", { replicas: 0 }, /replicas/],
    [
      "a grace period that ends within the drain",
      { stopGracePeriodSeconds: 13 },
      /must be above drain\.readySeconds \+ drain\.drainSeconds \(13\), got 13/,
    ],
    [
      "a gate longer than the rollout may take",
      { rolloutTimeoutSeconds: 69 },
      /must cover the health gate \(start period \+ interval x retries = 70\), got 69/,
    ],
    [
      "a canary that is held longer than the rollout may take",
      { canary: { ...canary, holdSeconds: 600 } },
      /holdSeconds/,
    ],
    ["a canary without a route to ask it on", { canary, hosts: [] as string[] }, /must be null without hosts/],
    ["a variable that is both plain and secret", { variables: { JWT_SECRET: "x" } }, /JWT_SECRET is both in variables/],
    ["an image by tag", { image: "ghcr.io/affexai/backend:latest" }, /must be <registry>/],
    ["a health path with a query", { health: { ...args.health, path: "/ready?x=1" } }, /health\.path/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await mockEngine({ outputs: answer });
      await assert.rejects(
        deploy(() => new CoolifyApplication("backend", { ...args, ...bent })),
        message,
      );
    });
  }
});
