import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { installLanguageHost } from "../../../sandbox/pulumi/language-host/install.ts";
import { identify } from "../../../sandbox/processes/process-table.ts";
import { stopProcess } from "../../../sandbox/processes/stop.ts";
import { makeProject, type Project } from "./project.ts";

const program = `
import * as pulumi from "@pulumi/pulumi";
interface Shape { size: number }
class Thing extends pulumi.ComponentResource {
  constructor(name: string, args: Shape) {
    super("tiny:index:Thing", name, args);
    this.registerOutputs({});
  }
}
const config = new pulumi.Config();
if (config.getBoolean("broken")) throw new pulumi.RunError("the program says no");
if (config.getBoolean("crash")) process.exit(5);
new Thing("thing", { size: config.requireNumber("size") });
console.log("a line of the program");
export const stack = pulumi.getStack();
export const dryRun = pulumi.runtime.isDryRun();
export const token = config.requireSecret("token");
`;
const pack = `
import { PolicyPack } from "@pulumi/policy";
new PolicyPack("sizes", {
  policies: [{
    name: "small-things",
    description: "Things are small.",
    enforcementLevel: "mandatory",
    validateResource: ({ props }, report) => { if (props.size > 10) report("size must be at most 10"); },
  }],
});
`;

describe("our Node language host, under the real engine", () => {
  let project: Project;
  before(async () => {
    project = await makeProject({
      "index.ts": program,
      "pack/PulumiPolicy.yaml": "runtime: nodejs\nmain: index.js\n",
      "pack/package.json": '{"name":"sizes","version":"0.0.1","type":"module"}\n',
      "pack/index.js": pack,
    });
    await project.pulumi("config", "set", "size", "5");
    await project.pulumi("config", "set", "--secret", "token", "hunter2");
  });
  after(() => project.remove());

  it("previews a TypeScript program, with its configuration and its output, and without a warning", async () => {
    const { exitCode, output } = await project.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(output, /tiny:index:Thing\s+thing\s+create/);
    assert.match(output, /a line of the program/);
    assert.match(output, /dryRun\s*: true/);
    assert.match(output, /stack\s*: "dev"/);
    assert.match(output, /token\s*: \[secret\]/);
    assert.doesNotMatch(output, /warning|hunter2/);
  });

  it("updates and refreshes", async () => {
    const up = await project.pulumi("up", "--yes");
    assert.equal(up.exitCode, 0, up.output);
    assert.match(up.output, /dryRun\s*: false/);
    const refresh = await project.pulumi("refresh", "--preview-only", "--expect-no-changes");
    assert.equal(refresh.exitCode, 0, refresh.output);
    assert.equal((await project.pulumi("stack", "output", "token", "--show-secrets")).output.trim(), "hunter2");
  });

  it("runs a policy pack that stops a preview, and lets a good one pass", async () => {
    const good = await project.pulumi("preview", "--policy-pack", "pack");
    assert.equal(good.exitCode, 0, good.output);
    await project.pulumi("config", "set", "size", "11");
    const bad = await project.pulumi("preview", "--policy-pack", "pack");
    await project.pulumi("config", "set", "size", "5");
    assert.notEqual(bad.exitCode, 0);
    assert.match(bad.output, /\[mandatory\]\s+small-things[^]*size must be at most 10/);
  });

  it("shows the program's own error once, and says how a program died", async () => {
    for (const [key, expected] of [
      ["broken", /the program says no/],
      ["crash", /The program ended with exit code 5/],
    ] as const) {
      await project.pulumi("config", "set", key, "true");
      const { exitCode, output } = await project.pulumi("preview");
      await project.pulumi("config", "rm", key);
      assert.notEqual(exitCode, 0);
      assert.match(output, expected);
    }
  });
});

describe("a killed engine", () => {
  it("takes the language host and the program with it", async () => {
    const waiting = await makeProject({
      "index.ts": `
        console.log("pids", process.pid, process.ppid);
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      `,
    });
    try {
      const engine = spawn("pulumi", ["preview", "--non-interactive", "--color", "never"], {
        cwd: waiting.folder,
        env: { ...process.env, ...waiting.env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const pids = await pidsIn(engine.stdout);
      const processes = await Promise.all(pids.map(identify));
      assert.ok(processes.every((identity) => identity !== null));
      engine.kill("SIGKILL");
      await once(engine, "exit");
      // No signal, only a limit: they have to go by themselves.
      for (const identity of processes) await stopProcess(identity, [{ signal: "SIGCONT", withinMs: 10_000 }]);
    } finally {
      await waiting.remove();
    }
  });

  /** The program's number and its parent's, from the engine's output. */
  async function pidsIn(output: Readable): Promise<number[]> {
    for await (const line of createInterface({ input: output })) {
      const [, program, host] = /pids (\d+) (\d+)/.exec(line) ?? [];
      if (program !== undefined && host !== undefined) return [Number(program), Number(host)];
    }
    throw new Error("The program did not say its process numbers.");
  }
});

describe("the language host as a process", () => {
  it("says its port and nothing else, and ends when the engine's end of stdin closes", async () => {
    const host = spawn(process.execPath, [resolve("sandbox/pulumi/language-host/main.ts"), "127.0.0.1:1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(host, "exit");
    const lines: string[] = [];
    const reader = createInterface({ input: host.stdout });
    reader.on("line", (line) => lines.push(line));
    await once(reader, "line");
    host.stdin.end();
    assert.deepEqual(await ended, [0, null]);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /^\d+$/);
  });

  it("is put beside a link of the engine, also a second time and after the engine changed", async () => {
    const base = await mkdtemp(join(tmpdir(), "affexai-host-"));
    try {
      const [engine, folder] = [join(base, "engine's binary"), join(base, "it's here")];
      await writeFile(engine, "first", { mode: 0o755 });
      await installLanguageHost({ engine, folder, node: process.execPath });
      await installLanguageHost({ engine, folder, node: process.execPath });
      assert.equal((await stat(join(folder, "pulumi"))).ino, (await stat(engine)).ino);
      await rm(engine);
      await writeFile(engine, "second one", { mode: 0o755 });
      await installLanguageHost({ engine, folder, node: process.execPath });
      assert.equal((await stat(join(folder, "pulumi"))).size, "second one".length);
      assert.deepEqual((await readdir(folder)).sort(), ["pulumi", "pulumi-language-nodejs"]);
    } finally {
      await rm(base, { recursive: true });
    }
  });
});
