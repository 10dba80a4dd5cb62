import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPackageManager } from "../../../sandbox/setup/package-manager.ts";
import { SetupError } from "../../../sandbox/setup/step.ts";
import { provideTestTools, type TestToolSetup } from "../../../sandbox/setup/test-tools.ts";

describe("the programs that integration tests run", () => {
  let folder = "";
  let asked: [needs: readonly string[], what: string][];
  let told: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-test-tools-"));
    [asked, told] = [[], []];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const program = (name: string) => writeFile(join(folder, name), "", { mode: 0o755 });
  /** A machine with apt-get whose installation brings these programs. */
  async function machine(brings: readonly string[], changes: Partial<TestToolSetup> = {}): Promise<TestToolSetup> {
    await program("apt-get");
    return {
      path: folder,
      manager: await findPackageManager(folder, true),
      wantsEngine: false,
      say: (line) => void told.push(line),
      record: join(folder, "record"),
      async install(needs, what) {
        asked.push([needs, what]);
        await Promise.all(brings.map(program));
      },
      ...changes,
    };
  }
  it("are installed where they are missing, an engine only where one can run, and never twice", async () => {
    await program("age");
    const setup = await machine(["sshd", "promtool", "dockerd"], { wantsEngine: true });
    await provideTestTools(setup);
    await provideTestTools(setup);
    assert.deepEqual(asked, [[["sshd", "promtool", "docker"], "sshd, promtool, dockerd for the tests (95 MB)"]]);
  });

  it("are asked for once where they cannot be had, which is said and is no error", async () => {
    const install = () => Promise.reject(new SetupError("Nothing could be installed.", "Run: apt-get install it"));
    const setup = await machine([], { install });
    await provideTestTools(setup);
    await provideTestTools(setup);
    const next = `Run: apt-get install it; or remove ${setup.record}, and it is tried again.`;
    assert.deepEqual(told, [
      `Nothing could be installed.\nThe tests that run sshd, age, promtool are pending. ${next}`,
    ]);
    assert.equal(await readFile(setup.record, "utf8"), "sshd, age, promtool");
  });

  it("are not installed where that would ask for a password", async () => {
    const setup = { ...(await machine([])), manager: await findPackageManager(folder, false) };
    const command = "sudo DEBIAN_FRONTEND=noninteractive apt-get";
    await provideTestTools(setup);
    assert.deepEqual(told, [
      `The tests that run sshd, age, promtool are pending. To run them too: ${command} update -q && ${command} install -q -y --no-install-recommends openssh-server age prometheus`,
    ]);
    assert.deepEqual(asked, []);
  });
});
