import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installProviders } from "../../../sandbox/providers/install.ts";
import { root } from "../../../sandbox/setup/paths.ts";

describe("the stand-in providers", () => {
  it("are installed in the exact versions of our SDKs, executable, and again without harm", async () => {
    const home = await mkdtemp(join(tmpdir(), "affexai-home-"));
    await installProviders(home);
    await installProviders(home);
    const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const names = ["aws", "command", "docker", "github", "random"];
    assert.deepEqual(
      (await readdir(join(home, "plugins"))).sort(),
      names.map((name) => `resource-${name}-v${dependencies[`@pulumi/${name}`] ?? ""}`),
    );
    for (const name of names) {
      const folder = join(home, "plugins", `resource-${name}-v${dependencies[`@pulumi/${name}`] ?? ""}`);
      assert.deepEqual(await readdir(folder), [`pulumi-resource-${name}`]);
      assert.equal((await stat(join(folder, `pulumi-resource-${name}`))).mode & 0o111, 0o111);
    }
    await rm(home, { recursive: true });
  });
});
