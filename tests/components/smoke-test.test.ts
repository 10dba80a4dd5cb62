import assert from "node:assert/strict";
import { SmokeTest, type SmokeTestArgs } from "../../components/smoke-test.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { specOf } from "./placement.ts";

describe("a smoke test", () => {
  it("asks every application for the declared release, after the rollouts", async () => {
    const args: SmokeTestArgs = {
      stamp: { id: record.id, after: null },
      ledger: { bucket: "affexai-backups", environment: "staging" },
      applications: [
        { name: "backend", url: "https://api.example.com", image: record.images.backend, versionPath: "/version" },
      ],
      criticalPaths: [{ name: "site", application: "backend", method: "GET", path: "/", expectStatus: 200 }],
      consecutive: 5,
      timeoutSeconds: 120,
      after: ["000001", `sha256:${"a".repeat(64)}`],
    };
    const engine = await mockEngine({ outputs: { "smoke-run": { stdout: '{"attempt":"000001","answers":5}' } } });
    const smoke = await deploy(() => new SmokeTest("smoke", args));
    const command = engine.named("smoke-run");
    assert.deepEqual(specOf(command), args);
    assert.equal(command.inputs["environment"], undefined);
    assert.equal(command.createTimeout, "4m");
    assert.equal(await valueOf(smoke.attempt), "000001");
  });
});
