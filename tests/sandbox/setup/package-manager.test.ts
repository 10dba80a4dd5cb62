import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asTyped, findPackageManager } from "../../../sandbox/setup/package-manager.ts";

describe("the machine's package manager", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-packages-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const cases = [
    ["apt-get", true, "apt-get update -q && apt-get install -q -y --no-install-recommends postgresql redis-server"],
    [
      "apt-get",
      false,
      "sudo DEBIAN_FRONTEND=noninteractive apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql redis-server",
    ],
    ["dnf", false, "sudo dnf install -y postgresql-server postgresql redis"],
    ["apk", true, "apk add postgresql postgresql-client redis"],
    ["brew", false, "brew install postgresql@17 redis"],
  ] as const;
  for (const [program, isRoot, expected] of cases) {
    it(`${program} installs as ${isRoot ? "root" : "a user"} with: ${expected}`, async () => {
      await writeFile(join(folder, program), "", { mode: 0o755 });
      const manager = await findPackageManager(`/nowhere:${folder}`, isRoot);
      assert.equal(manager?.program, program);
      assert.equal(asTyped(manager.installCommands(["postgres", "redis"])), expected);
    });
  }

  it("is none where there is none, and a file that cannot be run is none", async () => {
    await writeFile(join(folder, "apt-get"), "", { mode: 0o644 });
    assert.equal(await findPackageManager(folder), null);
  });
});
