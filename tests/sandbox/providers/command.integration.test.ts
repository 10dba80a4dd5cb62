import assert from "node:assert/strict";
import { readFile, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RealEngine, realEngine } from "./real-engine.ts";

/** Each run of the verb leaves a line `<verb> <stdin> <VALUE>` in a file of the test. */
const verb = `
const { appendFileSync, readFileSync } = require("node:fs");
const [verb] = process.argv.slice(-1);
const spec = readFileSync(0, "utf8");
appendFileSync("runs", [verb, spec, process.env.VALUE ?? "-", process.env.PULUMI_COMMAND_STDOUT ?? "-"].join(" ") + "\\n");
process.stderr.write("working on " + spec + "\\n");
if (spec.includes("fails")) { process.stdout.write("half an answer\\n"); process.exit(3); }
if (spec.includes("hangs")) setInterval(() => undefined, 1000);
else process.stdout.write("did " + spec + "\\n\\n");
`;

function program(fields: string, name = "one"): string {
  return `
import * as pulumi from "@pulumi/pulumi";
import { Command } from "@pulumi/command/local/command.js";
const one = new Command("${name}", {
  interpreter: ["node", "verb.cjs"], create: "apply", update: "apply", delete: "retire",
  logging: "stderr", addPreviousOutputInEnv: false, ${fields}
}, { additionalSecretOutputs: ["stderr"] });
export const answer = one.stdout;
`;
}

describe("the stand-in for the command provider", function () {
  let engine: RealEngine;
  let runs: string;
  const up = () => engine.run(["up", "--yes", "--skip-preview"]);
  const ran = async () => (await readFile(runs, "utf8")).trim().split("\n").filter(Boolean);
  const forget = () => writeFile(runs, "");

  before(async () => {
    engine = await realEngine();
    runs = join(engine.folder, "project", "runs");
    await forget();
    await writeFile(join(engine.folder, "project", "verb.cjs"), verb);
  });
  after(() => engine.close());
  beforeEach(forget);

  it("runs create once, keeps stdout without one newline, and hides what is secret in the state", async () => {
    await engine.program(program(`stdin: "first", environment: { VALUE: pulumi.secret("hunter2hunter2") }`));
    const { exitCode, text } = await up();
    assert.equal(exitCode, 0, text);
    assert.deepEqual(await ran(), ["apply first hunter2hunter2 -"]);
    assert.deepEqual(await engine.outputs(), { answer: "did first\n" });
    const state = await engine.state();
    assert.ok(!state.includes("hunter2"), "the secret is in the state in plain text");
    assert.ok(!state.includes("working on first"), "stderr is in the state in plain text");
  });

  it("runs nothing for equal inputs, and nothing on a preview or a refresh", async () => {
    assert.equal((await up()).exitCode, 0);
    assert.equal((await engine.run(["refresh", "--preview-only", "--expect-no-changes"])).exitCode, 0);
    await engine.program(program(`stdin: "second", environment: { VALUE: pulumi.secret("hunter2hunter2") }`));
    const preview = await engine.run(["preview", "--expect-no-changes"]);
    assert.notEqual(preview.exitCode, 0);
    assert.deepEqual(await ran(), []);
  });

  it("runs update for a changed stdin and for a changed environment", async () => {
    assert.equal((await up()).exitCode, 0);
    await engine.program(program(`stdin: "second", environment: { VALUE: pulumi.secret("other-secret-value") }`));
    assert.equal((await up()).exitCode, 0);
    assert.deepEqual(await ran(), ["apply second hunter2hunter2 -", "apply second other-secret-value -"]);
  });

  it("keeps the old inputs when an update fails, and shows the command and all it wrote", async () => {
    await engine.program(program(`stdin: "fails", environment: { VALUE: pulumi.secret("other-secret-value") }`));
    const failed = await up();
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.text, /exit status 3: running "apply":/);
    assert.match(failed.text, /half an answer/);
    assert.match(failed.text, /working on fails/);
    await forget();
    await engine.program(program(`stdin: "second", environment: { VALUE: pulumi.secret("other-secret-value") }`));
    assert.equal((await up()).exitCode, 0);
    assert.deepEqual(await ran(), []);
  });

  it("makes the new one before it retires the old one when a trigger changes", async () => {
    const fields = `stdin: "second", environment: { VALUE: pulumi.secret("other-secret-value") }, triggers: ["x"]`;
    await engine.program(program(fields));
    assert.equal((await up()).exitCode, 0);
    assert.deepEqual(await ran(), ["apply second other-secret-value -", "retire second other-secret-value -"]);
  });

  it("applies under a new name before it retires the old one with its stored spec", async () => {
    await engine.program(program(`stdin: "third"`, "renamed"));
    assert.equal((await up()).exitCode, 0);
    assert.deepEqual(await ran(), ["apply third - -", "retire second other-secret-value -"]);
  });

  it("kills a running command at once when the engine is interrupted", async () => {
    await engine.program(program(`stdin: "hangs"`, "renamed"));
    const running = engine.start(["up", "--yes", "--skip-preview"]);
    for await (const event of watch(runs)) if (event.eventType === "change" && (await ran()).length > 0) break;
    running.kill("SIGINT");
    const { exitCode, text } = await running.ended;
    assert.notEqual(exitCode, 0);
    assert.match(text, /signal: killed|cancel/);
  });

  it("retires what is removed from the program", async () => {
    await engine.program("export {};");
    const { exitCode, text } = await up();
    assert.equal(exitCode, 0, text);
    assert.deepEqual(await ran(), ["retire third - -"]);
  });

  it("refuses an input that it would ignore", async () => {
    await engine.program(program(`stdin: "x", assetPaths: ["*.txt"]`));
    const { exitCode, text } = await engine.run(["preview"]);
    assert.notEqual(exitCode, 0);
    assert.match(text, /assetPaths/);
    assert.match(text, /is not an input that the sandbox acts on/);
  });
});
