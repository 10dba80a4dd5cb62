import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { openSharedLog } from "../../../operations/coolify/shared-log.ts";
import { openPlayground } from "../../sandbox/coolify/fixture.ts";
import { recordRequests } from "../../../sandbox/coolify/recording-proxy.ts";

const child = join(import.meta.dirname, "budget-child.ts");

describe("the budget of requests between processes", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "affexai-budget-"))));
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const shared = () => join(folder, `affexai-${process.getuid?.() ?? "user"}`);

  it("keeps ten processes below the limit without one refused request, three of them killed half-way", async () => {
    // 60 requests a window of 4 s. The way to the server does not shrink with the window: it gets 0.6 s of it.
    const [limit, window, requests] = [60, 4000, 12];
    const coolify = await openPlayground({ rateLimitPerMinute: limit, rateLimitWindowMs: window });
    const traffic = await recordRequests(coolify.url);
    try {
      const env = { COOLIFY_URL: traffic.url, COOLIFY_TOKEN: "1|root", XDG_RUNTIME_DIR: folder };
      const spawn = () =>
        execa(process.execPath, [child, String(requests), String(window + 600)], { env, reject: false });
      const dying = Array.from({ length: 3 }, spawn);
      for (const one of dying) one.stdout.once("data", () => one.kill("SIGKILL"));
      const others = await Promise.all(Array.from({ length: 7 }, spawn));
      const killed = await Promise.all(dying);
      assert.deepEqual(
        others.map(({ exitCode, stdout, stderr }) => [exitCode, stdout.split("\n").length, stderr]),
        others.map(() => [0, requests, ""]),
      );
      assert.deepEqual(
        killed.map(({ signal }) => signal),
        ["SIGKILL", "SIGKILL", "SIGKILL"],
      );
      assert.ok(traffic.statuses.length > limit, "more than one window's worth was asked");
      assert.deepEqual([...new Set(traffic.statuses)], [200]);
    } finally {
      await traffic.close();
      await coolify.close();
    }
  });

  it("is kept in a folder of this user's alone, in files that hold no token", async () => {
    const opened = await openSharedLog(folder, "https://coolify.example 7");
    await opened.log.append("ask 1 a");
    assert.equal(opened.private, undefined);
    assert.equal((await stat(shared())).mode & 0o777, 0o700);
    const [file = ""] = await readdir(shared());
    assert.match(file, /^[0-9a-f]{24}\.\d+\.log$/);
    assert.equal((await stat(join(shared(), file))).mode & 0o777, 0o600);
    assert.equal(await readFile(join(shared(), file), "utf8"), "\nask 1 a\n");
  });

  it("is not shared by a folder that is open to others, is a link, or cannot be made", async () => {
    await mkdir(shared(), { mode: 0o755 });
    await chmod(shared(), 0o755);
    assert.match((await openSharedLog(folder, "x")).private ?? "", /is open to other users/);
    await rm(shared(), { recursive: true });
    await mkdir(join(folder, "elsewhere"), { mode: 0o700 });
    await symlink(join(folder, "elsewhere"), shared());
    assert.match((await openSharedLog(folder, "x")).private ?? "", /is open to other users/);
    const missing = await openSharedLog(join(folder, "no", "such"), "x");
    assert.match(missing.private ?? "", /ENOENT/);
    await missing.log.append("ask 1 a");
    assert.equal(await missing.log.read(), "ask 1 a");
  });

  it("forgets what is longer ago than two files, whoever wrote it", async () => {
    const opened = await openSharedLog(folder, "x");
    await opened.log.append("ask 1 a");
    const [file = ""] = await readdir(shared());
    const old = file.replace(/\.\d+\.log$/, ".17.log");
    await rm(join(shared(), file));
    await writeFile(join(shared(), old), "ask 1 old\n");
    assert.doesNotMatch(await (await openSharedLog(folder, "x")).log.read(), /old/);
    assert.deepEqual(await readdir(shared()), []);
  });
});
