import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stateOf } from "../../../operations/drift/managed.ts";
import { realEngine, type RealEngine } from "../../sandbox/providers/real-engine.ts";

describe("the state of a stack, as the engine exports it", () => {
  let engine: RealEngine;
  before(async () => {
    engine = await realEngine();
  });
  after(() => engine?.close());

  it("gives a command's spec, its secret values in clear, and its answer", async () => {
    const verbs = join(engine.folder, "project", "operations");
    await mkdir(verbs);
    await writeFile(join(verbs, "cli.ts"), 'process.stdin.resume().on("end", () => console.log(`{"uuid":"u1"}`));\n');
    await engine.program(`
import * as pulumi from "@pulumi/pulumi";
import { Command } from "@pulumi/command/local/command.js";
new Command("cache-apply", {
  interpreter: ["node", "operations/cli.ts", "redis"],
  create: "apply",
  stdin: JSON.stringify({ name: "cache" }),
  environment: { REDIS_PASSWORD: pulumi.secret("a planted value"), OPEN: "open" },
  addPreviousOutputInEnv: false,
}, { additionalSecretOutputs: ["stdout"] });
`);
    const up = await engine.run(["up", "--yes", "--skip-preview"]);
    assert.equal(up.exitCode, 0, up.text);
    const { text } = await engine.run(["stack", "export", "--show-secrets"]);
    assert.deepEqual(stateOf(JSON.parse(text)), {
      interrupted: [],
      managed: [
        {
          resource: "cache-apply",
          noun: "redis",
          verb: "apply",
          spec: { name: "cache" },
          env: { REDIS_PASSWORD: "a planted value", OPEN: "open" },
          result: { uuid: "u1" },
        },
      ],
    });
    assert.doesNotMatch(await engine.state(), /a planted value/);
  });
});
