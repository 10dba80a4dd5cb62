import assert from "node:assert/strict";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { CoolifyApplication } from "../../components/coolify-application.ts";
import type { PlanSpec } from "../../operations/drift/spec.ts";
import { CoolifyPreview, type AskCoolify } from "../../stacks/preview.ts";
import { placement } from "../components/placement.ts";
import { deploy, mockEngine } from "../pulumi.ts";
import { record } from "../release-record.ts";

const args = {
  ...{ placement, environment: "staging", image: record.images.backend, port: 3001, hosts: ["api.example"], tls: true },
  ...{ replicas: 1, versionPath: "/version", stopGracePeriodSeconds: 40, rolloutTimeoutSeconds: 600 },
  health: { path: "/health/ready", intervalSeconds: 5, timeoutSeconds: 3, retries: 12, startPeriodSeconds: 10 },
  drain: { readySeconds: 3, drainSeconds: 10 },
  limits: {},
  variables: { LOG_LEVEL: "info" },
  secretVariables: { JWT_SECRET: "jwt-secret-value" },
  stamp: null,
  ledger: { bucket: "affexai-backups", environment: "staging" },
  after: [],
};
/** What is made by the update, and unknown before. */
const made = () => new RandomPassword("made", { length: 16 }).result;

describe("a preview's questions to Coolify", () => {
  const asked: { spec: PlanSpec; env: Record<string, string> }[] = [];
  const ask: AskCoolify = (spec, env) => {
    asked.push({ spec, env });
    return Promise.resolve({ applications: [{ owner: "backend", changes: null }] });
  };
  beforeEach(async () => {
    asked.length = 0;
    await mockEngine({ preview: true });
  });

  it("are one for all applications, with secrets in the environment by their application", async () => {
    const preview = new CoolifyPreview(ask);
    await deploy(() => [
      new CoolifyApplication("backend", { ...args, preview }),
      new CoolifyApplication("frontend", { ...args, secretVariables: {}, preview }),
    ]);
    await preview.tell();
    assert.equal(asked.length, 1);
    assert.deepEqual(
      asked[0]?.spec.applications.map(({ spec, unknownVariables }) => [
        spec.owner,
        spec.secretVariables,
        unknownVariables,
      ]),
      [
        ["affexai/test/backend", ["JWT_SECRET"], []],
        ["affexai/test/frontend", [], []],
      ],
    );
    assert.deepEqual(asked[0]?.env, { VARIABLE_backend__JWT_SECRET: "jwt-secret-value" });
    assert.doesNotMatch(JSON.stringify(asked[0]?.spec), /jwt-secret-value/);
  });

  it("are none while the place on Coolify is unknown", async () => {
    const preview = new CoolifyPreview(ask);
    await deploy(
      () => new CoolifyApplication("backend", { ...args, placement: made().apply(() => placement), preview }),
    );
    await preview.tell();
    assert.deepEqual(asked, []);
  });

  it("leave out only the variables whose values are unknown", async () => {
    const preview = new CoolifyPreview(ask);
    await deploy(() => {
      const secretVariables = { ...args.secretVariables, DATABASE_URL: made() };
      return new CoolifyApplication("backend", { ...args, secretVariables, preview });
    });
    await preview.tell();
    const [application] = asked[0]?.spec.applications ?? [];
    assert.deepEqual(
      [application?.spec.secretVariables, application?.unknownVariables],
      [["JWT_SECRET"], ["DATABASE_URL"]],
    );
  });

  it("fail nothing when Coolify cannot be asked", async () => {
    const preview = new CoolifyPreview(() => Promise.reject(new Error("Coolify gave no answer")));
    await deploy(() => new CoolifyApplication("backend", { ...args, preview }));
    await preview.tell();
  });
});
