import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeDockerConfig } from "../../../operations/image/docker-pull.ts";
import { dockerListArguments } from "../../../operations/image/docker-arguments.ts";
import { removeRun } from "../../../operations/image/remove-run.ts";
import { runInImage, type ImageRun } from "../../../operations/image/run.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";
import { pushNodeImage } from "./node-image.ts";
import { docker, realEngine, type RealEngine } from "./real-engine.ts";

const credentials = { username: "robot", password: "registry-secret" };

describe("a run in a container of a real Docker engine", () => {
  let dir: string;
  let registry: Registry | undefined;
  let engine: RealEngine | undefined;
  let image: string;

  before(async function () {
    this.timeout(300_000);
    dir = await mkdtemp(join(tmpdir(), "docker-run-"));
    const found = await realEngine(join(dir, "engine"));
    if (typeof found === "string") {
      console.log(`    skipped: ${found}`);
      return this.skip();
    }
    engine = found;
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...credentials });
    image = await pushNodeImage(
      { "library.js": `module.exports = "of the image";\n` },
      { dir, registry: registry.host, auth: credentials, entrypoint: ["nothing.js"] },
    );
  });

  after(async () => {
    if (image !== undefined) await docker("image", "rm", "--force", image);
    await registry?.close();
    await engine?.close();
    await rm(dir, { recursive: true, force: true });
  });

  function options(more: Partial<ImageRun> = {}): ImageRun {
    return {
      runId: "container-1",
      image,
      runtime: "docker",
      nodePath: "/opt/node",
      argv: ["-", "one"],
      input: `console.log(JSON.stringify([require("./library.js"), process.argv[2], process.env.SPEC, process.env.OF_IMAGE, process.cwd()]));`,
      env: { SPEC: "secret-spec" },
      timeoutMs: 120_000,
      access: { credentials, cacheDir: join(dir, "cache") },
      onLine: () => undefined,
      ...more,
    };
  }

  it("pulls with its own login what this project built and pushed, and runs it", async () => {
    const lines: string[] = [];
    await runInImage(options({ onLine: (line) => lines.push(line) }));
    assert.deepEqual(lines, [JSON.stringify(["of the image", "one", "secret-spec", "yes", "/srv/app"])]);
    assert.equal(await docker(...dockerListArguments("container-1")), "");
    assert.deepEqual(await readdir(join(dir, "cache", "tmp")), []);
  });

  it("removes the container when the time is over", async () => {
    const input = `setInterval(() => {}, 1000);`;
    await assert.rejects(runInImage(options({ input, timeoutMs: 3000 })), /did not end within 3 s/);
    assert.equal(await docker(...dockerListArguments("container-1")), "");
  });

  it("is removed by another process after a kill -9 of the one that started it, its secrets not in its arguments", async () => {
    const input = `console.log("ready"); setInterval(() => {}, 1000);`;
    const module = new URL("../../../operations/image/run.ts", import.meta.url).href;
    const starter = spawn(process.execPath, ["--input-type=module", "-"], { stdio: ["pipe", "pipe", "inherit"] });
    starter.stdin.end(`
      import { runInImage } from ${JSON.stringify(module)};
      const options = ${JSON.stringify(options({ runId: "killed-2", input }))};
      await runInImage({ ...options, onLine: (line) => console.log(line) });
    `);
    await once(createInterface({ input: starter.stdout }), "line");
    const command = await readFile(`/proc/${await clientOf("affexai-run-killed-2")}/cmdline`, "utf8");
    assert.doesNotMatch(command, /secret-spec|registry-secret/);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    assert.notEqual(await docker(...dockerListArguments("killed-2")), "", "the container lives on");
    assert.equal(await removeRun("killed-2", "docker"), 1);
    assert.equal(await docker(...dockerListArguments("killed-2")), "");
    assert.equal(await removeRun("killed-2", "docker"), 0);
  });
});

/** The process of the docker client that has this word among its arguments. */
async function clientOf(word: string): Promise<string> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words.includes(word)) return pid;
  }
  assert.fail(`no process has the argument ${word}`);
}

describe("the docker client's configuration for a pull", () => {
  it("is the user's own but for the registry's login and the credential stores", async () => {
    const dir = await mkdtemp(join(tmpdir(), "docker-config-"));
    const [from, into] = [join(dir, "user"), join(dir, "ours")];
    await mkdir(join(from, "contexts"), { recursive: true });
    await mkdir(into);
    await writeFile(join(from, "contexts", "meta.json"), "{}");
    const auths = { "other.example.org": { auth: "b3RoZXI=" } };
    const user = { auths, credsStore: "desktop", credHelpers: { "ghcr.io": "x" }, currentContext: "colima" };
    await writeFile(join(from, "config.json"), JSON.stringify(user));
    await writeDockerConfig(into, from, "ghcr.io", credentials);
    assert.deepEqual(JSON.parse(await readFile(join(into, "config.json"), "utf8")), {
      auths: { ...auths, "ghcr.io": { auth: btoa("robot:registry-secret") } },
      currentContext: "colima",
    });
    assert.equal((await stat(join(into, "config.json"))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(into, "contexts")), ["meta.json"]);
    await rm(dir, { recursive: true, force: true });
  });
});
