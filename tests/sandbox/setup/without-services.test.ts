import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutServices, type ServicePlaces } from "../../../sandbox/setup/without-services.ts";

describe("an installation without services", () => {
  let folder = "";
  let places: ServicePlaces;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-services-"));
    places = { policy: join(folder, "policy-rc.d"), units: join(folder, "system") };
    await mkdir(join(places.units, "multi-user.target.wants"), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const enable = (unit: string) => symlink("/dev/null", join(places.units, "multi-user.target.wants", unit));
  /** What a package's installation is told; 101 is "forbidden by policy". */
  const ask = (...words: string[]) =>
    new Promise((resolve) => {
      execFile(places.policy, words, (error) => resolve(error?.code ?? 0));
    });

  it("forbids what is new to start, lets what runs restart, and is gone afterwards", async () => {
    const asked = () =>
      Promise.all([
        ask("--quiet", "ssh", "start", "2"),
        ask("ssh.service", "start"),
        ask("ssh", "(start)"),
        ask("ssh", "restart"),
        ask("ssh", "stop"),
      ]);
    assert.deepEqual(await withoutServices(asked, places), [101, 101, 101, 0, 0]);
    assert.deepEqual(await readdir(folder), ["system"]);
  });

  it("takes back what it made start with the machine, and that alone, though it failed", async () => {
    await enable("cron.service");
    const failing = withoutServices(async () => {
      await enable("ssh.service");
      await mkdir(join(places.units, "sockets.target.wants"));
      await symlink("/dev/null", join(places.units, "sockets.target.wants", "docker.socket"));
      throw new Error("no space left");
    }, places);
    await assert.rejects(failing, /no space left/);
    assert.deepEqual(await readdir(join(places.units, "multi-user.target.wants")), ["cron.service"]);
    assert.deepEqual(await readdir(join(places.units, "sockets.target.wants")), []);
    assert.deepEqual(await readdir(folder), ["system"]);
  });

  it("holds nothing any more where its process was killed, and takes the place of what that one left", async () => {
    const ours = await withoutServices(() => readFile(places.policy, "utf8"), places);
    await writeFile(places.policy, ours.replace(`kill -0 ${process.pid} `, "kill -0 999999999 "), { mode: 0o755 });
    assert.equal(await ask("ssh", "start"), 0);
    assert.equal(await withoutServices(() => ask("ssh", "start"), places), 101);
  });

  it("leaves a policy of the machine's own as it is", async () => {
    await writeFile(places.policy, "#!/bin/sh\nexit 104\n", { mode: 0o755 });
    assert.equal(await withoutServices(() => ask("ssh", "start"), places), 104);
    assert.equal(await readFile(places.policy, "utf8"), "#!/bin/sh\nexit 104\n");
  });
});
