import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";

// The launcher in a repository of its own, with the real npm and a lockfile of one package: this machine's Node as the package of Node.
const nodePackage = `node-${process.platform}-${process.arch}`;
const lock = {
  name: "tiny",
  lockfileVersion: 3,
  packages: {
    "": { name: "tiny", dependencies: { [nodePackage]: "file:node-package" } },
    [`node_modules/${nodePackage}`]: { resolved: "node-package", link: true },
    "node-package": { name: nodePackage, version: "24.0.0" },
  },
};
const setup = `
import { appendFile, mkdir, writeFile } from "node:fs/promises";
const root = process.env.TEST_ROOT;
await appendFile(root + "/setups", "set-up\\n");
for (const program of ["pulumi", "postgres", "redis-server"]) {
  await mkdir(root + "/programs/" + program, { recursive: true });
  await writeFile(root + "/programs/" + program + "/" + program, "", { mode: 0o755 });
}
await mkdir(root + "/.tools", { recursive: true });
const folders = ["pulumi", "postgres", "redis-server"].map((program) => root + "/programs/" + program);
await writeFile(root + "/.tools/setup", [root, ...folders, ""].join("\\n"));
`;
const cli = `
const answer: object = { argv: process.argv.slice(2), path: process.env.PATH?.split(":") };
console.log(JSON.stringify(answer));
`;

describe("the launcher", () => {
  let base = "";
  let root = "";
  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "affexai-launcher-")));
    root = join(base, "it's a clone");
    for (const folder of ["sandbox/setup", "operations", "node-package/bin"])
      await mkdir(join(root, folder), { recursive: true });
    await copyFile(resolve("affexai"), join(root, "affexai"));
    await symlink(process.execPath, join(root, "node-package/bin/node"));
    const files = {
      "package.json": { name: "tiny", type: "module", dependencies: lock.packages[""].dependencies },
      "package-lock.json": lock,
      "node-package/package.json": { name: nodePackage, version: "24.0.0" },
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), JSON.stringify(content));
    await writeFile(join(root, "sandbox/setup/main.ts"), setup);
    await writeFile(join(root, "operations/cli.ts"), cli);
  });
  afterEach(() => rm(base, { recursive: true }));

  async function affexai(...args: string[]) {
    const started = performance.now();
    const { exitCode, stdout, stderr } = await execa(join(root, "affexai"), args, {
      // Away from the repository: paths of arguments are the caller's.
      cwd: base,
      env: { TEST_ROOT: root },
      reject: false,
    });
    const answer = stdout.startsWith("{") ? (JSON.parse(stdout) as { argv: string[]; path: string[] }) : null;
    return { exitCode, answer, stderr, ms: performance.now() - started };
  }
  const setups = async () => (await readFile(join(root, "setups"), "utf8").catch(() => "")).split("\n").length - 1;

  it("does all the set-up, saying so once, and runs the verb with its arguments as they are", async () => {
    const first = await affexai("sandbox", "a b", "", "$HOME");
    assert.equal(first.exitCode, 0, first.stderr);
    assert.deepEqual(first.answer?.argv, ["sandbox", "a b", "", "$HOME"]);
    assert.match(first.stderr, /^affexai: installing npm packages in .*: npm ci\n/);
    assert.equal(await setups(), 1);
    const second = await affexai("sandbox");
    assert.equal(second.stderr, "");
    assert.equal(await setups(), 1);
  });

  it("sets up once for a demo, leaves the example's packages to its build, and finds the engine for every verb after it", async () => {
    await mkdir(join(root, "examples/affexai"), { recursive: true });
    await writeFile(join(root, "examples/affexai/package-lock.json"), "{}");
    for (const verb of ["demo", "demo", "rollback"]) {
      const { exitCode, answer, stderr } = await affexai(verb);
      assert.equal(exitCode, 0, stderr);
      assert.ok(answer?.path.includes(join(root, "programs/pulumi")), `${verb} has no engine`);
    }
    assert.equal(await setups(), 1);
  });

  it("adds well under two seconds to a verb when everything is there", async () => {
    await affexai("sandbox");
    const { ms, exitCode } = await affexai("sandbox");
    assert.equal(exitCode, 0);
    assert.ok(ms < 2000, `took ${ms} ms with the verb`);
  });

  it("puts the project's Node, the engine and the servers first on PATH, each once", async () => {
    const { answer } = await affexai("sandbox");
    assert.deepEqual(
      answer?.path.slice(0, 4),
      ["programs/pulumi", "programs/postgres", "programs/redis-server", `node_modules/${nodePackage}/bin`].map(
        (folder) => join(root, folder),
      ),
    );
    const inside = await execa(join(root, "affexai"), ["sandbox"], {
      env: { TEST_ROOT: root, PATH: answer.path.join(":") },
    });
    assert.deepEqual((JSON.parse(inside.stdout) as { path: string[] }).path, answer.path);
  });

  it("installs and sets up again when the lockfile changed", async () => {
    await affexai("sandbox");
    await writeFile(join(root, "package-lock.json"), JSON.stringify(lock, null, 2));
    assert.match((await affexai("sandbox")).stderr, /npm ci/);
    assert.equal(await setups(), 2);
  });

  it("sets up again when a program that it had found is gone, and when the clone was moved", async () => {
    await affexai("sandbox");
    await rm(join(root, "programs/postgres/postgres"));
    await affexai("sandbox");
    assert.equal(await setups(), 2);
    const moved = join(base, "moved");
    await rename(root, moved);
    root = moved;
    await affexai("sandbox");
    assert.equal(await setups(), 3);
  });

  it("sets nothing up for verbs that need nothing of it, but uses what is there", async () => {
    const before = await affexai("--help");
    assert.equal(before.exitCode, 0, before.stderr);
    assert.equal(await setups(), 0);
    await affexai("setup");
    const after = await affexai("release", "list");
    assert.equal(await setups(), 1);
    assert.ok(after.answer?.path.includes(join(root, "programs/pulumi")));
  });

  it("stops with one clear line when npm ci fails, and tries again the next time", async () => {
    // npm ci refuses a package.json that asks for more than the lockfile holds.
    const manifest = await readFile(join(root, "package.json"), "utf8");
    await writeFile(join(root, "package.json"), manifest.replace("file:node-package", "file:another-package"));
    const failed = await affexai("sandbox");
    assert.equal(failed.exitCode, 1);
    assert.equal(failed.answer, null);
    assert.match(
      failed.stderr,
      /\naffexai: npm ci failed in .*\naffexai: Read the lines above, then run the same command again\.$/,
    );
    await writeFile(join(root, "package.json"), manifest);
    assert.equal((await affexai("sandbox")).exitCode, 0);
  });

  it("says which Node is needed when there is none for this machine and its own is too old", async () => {
    await rm(join(root, "node-package/bin"), { recursive: true });
    await writeFile(
      join(base, "node"),
      `#!/bin/sh\ncase "$1" in --version) echo v20.1.0;; -e) exec "${process.execPath}" -e "Object.defineProperty(process.versions, 'node', { value: '20.1.0' }); $2";; *) exec "${process.execPath}" "$@";; esac\n`,
      { mode: 0o755 },
    );
    const { exitCode, stderr } = await execa(join(root, "affexai"), ["sandbox"], {
      env: { TEST_ROOT: root, PATH: `${base}:${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` },
      reject: false,
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, /its own Node v20\.1\.0 does not run TypeScript\.\naffexai: Install Node 24\.$/);
  });
});
