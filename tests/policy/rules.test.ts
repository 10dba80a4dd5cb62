import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { rules } from "../../policy/rules.ts";
import { root } from "../../sandbox/setup/paths.ts";

const helpers = ["judge.ts", "pack.ts", "rules.ts"];

describe("the policy pack", () => {
  it("has these rules, in this order", () => {
    assert.deepEqual(
      rules.map(({ name }) => name),
      [
        "no-synchronize",
        "migration-declared",
        "migration-has-backup",
        "backup-storage-protected",
        "stateful-resources-protected",
        "image-pinned-by-digest",
        "health-gate-required",
        "rolling-update-possible",
        "no-build-time-variables",
        "secrets-are-secret",
      ],
    );
  });

  it("stops a preview by any of them, and says what to do", () => {
    for (const rule of rules) {
      assert.equal(rule.enforcementLevel, "mandatory", rule.name);
      assert.ok(rule.description.endsWith("."), rule.name);
      assert.ok(rule.remediationSteps?.endsWith("."), rule.name);
      assert.ok(rule.severity === "critical" || rule.severity === "high", rule.name);
    }
  });

  it("keeps each rule in the file of its name, with tests in the file of its name", async () => {
    const files = (await readdir(join(root, "policy"))).filter(
      (file) => file.endsWith(".ts") && !helpers.includes(file),
    );
    assert.deepEqual(files.sort(), rules.map(({ name }) => `${name}.ts`).sort());
    const tests = await readdir(join(root, "tests", "policy"));
    for (const { name } of rules) assert.ok(tests.includes(`${name}.test.ts`), name);
  });
});
