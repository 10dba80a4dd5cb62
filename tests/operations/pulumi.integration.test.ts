import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { constants, getPriority, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Context } from "../../operations/verb.ts";
import { silent } from "../../operations/progress.ts";
import { pulumi, type PulumiOptions } from "../../operations/pulumi.ts";

/**
 * Stands in for pulumi. `priorities`: says at which priority it and a child of it run. `up`: says that it is under way; told to stop it notes
 * the signal, and ends in order a moment later. `stuck`: the same, and never ends.
 */
const program = `#!${process.execPath}
const { execFileSync } = require("node:child_process");
const { appendFileSync } = require("node:fs");
const { getPriority } = require("node:os");
const [what] = process.argv.slice(2);
process.stdin.resume();
if (what === "priorities") {
  const child = "process.stdout.write(String(require('node:os').getPriority()))";
  console.log(getPriority(), execFileSync(process.execPath, ["-e", child], { encoding: "utf8" }));
} else {
  const open = setInterval(() => {}, 1000);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      appendFileSync(__dirname + "/signals", signal + " ");
      if (what === "up") setTimeout(() => (appendFileSync(__dirname + "/signals", "ended in order"), clearInterval(open)), 300);
    });
  }
  console.log("under way");
}
`;

/** A program of ours that runs pulumi, in a process of its own. */
const runner = `
import { silent } from ${JSON.stringify(import.meta.resolve("../../operations/progress.ts"))};
import { pulumi } from ${JSON.stringify(import.meta.resolve("../../operations/pulumi.ts"))};
import { stopSignal } from ${JSON.stringify(import.meta.resolve("../../operations/stop-signal.ts"))};
const progress = { ...silent, note: (line) => console.log(line) };
await pulumi(["up"], { env: process.env, signal: stopSignal(), progress }).catch((error) => console.log("stopped by", error.message));
process.exit(8);
`;

describe("a run of pulumi", () => {
  let folder: string;
  let env: Context["env"];
  const runOf = (what: string, context: Partial<Context> = {}, options?: PulumiOptions) =>
    pulumi([what], { env, signal: new AbortController().signal, progress: silent, ...context }, options);
  const signals = () => readFile(join(folder, "signals"), "utf8");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-pulumi-"));
    env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` };
    await writeFile(join(folder, "pulumi"), program);
    await chmod(join(folder, "pulumi"), 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has the priority of who started it", async () => {
    const { output } = await runOf("priorities");
    assert.equal(output, `${getPriority()} ${getPriority()}`);
  });

  it("runs after everybody else with all that it starts, where that is asked for", async () => {
    const expected = Math.min(getPriority() + 10, constants.priority.PRIORITY_LOW);
    const { output } = await runOf("priorities", {}, { niceness: 10 });
    assert.equal(output, `${expected} ${expected}`);
  });

  it("ends in order when it is told to stop, and is waited for", async () => {
    const stop = new AbortController();
    const notes: string[] = [];
    const note = (line: string) => {
      notes.push(line);
      if (line === "under way") stop.abort(new Error("enough"));
    };
    await assert.rejects(runOf("up", { signal: stop.signal, progress: { ...silent, note } }), { message: "enough" });
    assert.deepEqual(notes, ["under way", "pulumi is told to stop, and ends what it has begun"]);
    assert.equal(await signals(), "SIGTERM ended in order");
  });

  it("is killed when it does not end within its grace", async () => {
    const stop = new AbortController();
    const progress = { ...silent, note: () => stop.abort(new Error("enough")) };
    await assert.rejects(runOf("stuck", { signal: stop.signal, progress }, { graceMs: 100 }), { message: "enough" });
    assert.equal(await signals(), "SIGTERM ");
  });

  it("is told once to stop by a Ctrl-C, which a terminal sends to all that run in it", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", runner], {
      ...{ env, detached: true, stdio: ["ignore", "pipe", "inherit"] },
    });
    assert.ok(child.pid !== undefined && child.stdout !== null);
    let said = "";
    for await (const text of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      if (said === "") process.kill(-child.pid, "SIGINT");
      said += text;
    }
    const [code] = child.exitCode === null ? ((await once(child, "close")) as [number]) : [child.exitCode];
    assert.equal(code, 8);
    assert.equal(said, "under way\npulumi is told to stop, and ends what it has begun\nstopped by SIGINT\n");
    assert.equal(await signals(), "SIGTERM ended in order");
  });
});
