import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { delimiter } from "node:path";
import { installProviders } from "../../../sandbox/providers/install.ts";
import { programPath } from "../../../sandbox/setup/program-path.ts";
import { makeProject, type Project } from "./project.ts";

const program = `
import * as random from "@pulumi/random";
new random.RandomPassword("word", { length: 16 });
`;

describe("the stand-in providers", () => {
  let production: Project;
  let sandbox: Project;
  before(async () => {
    [production, sandbox] = await Promise.all([
      makeProject({ "index.ts": program }),
      makeProject({ "index.ts": program }),
    ]);
    await installProviders(sandbox.home);
  });
  after(() => Promise.all([production.remove(), sandbox.remove()]));

  it("are what the sandbox runs with", async () => {
    const { exitCode, output } = await sandbox.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(output, /random:index:RandomPassword\s+word\s+create/);
  });

  it("cannot be found by a run that has a Pulumi home of its own, while the sandbox's exists", async () => {
    const { exitCode, output } = await production.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /pulumi-resource-random|resource plugin random/);
    const plugins = await production.pulumi("plugin", "ls", "--json");
    assert.deepEqual(JSON.parse(plugins.output), []);
  });

  it("are on nobody's PATH: not where the launcher and the sandbox put their programs", async () => {
    for (const folder of (await programPath(process.env["PATH"] ?? "")).split(delimiter)) {
      const programs = await readdir(folder).catch(() => []);
      assert.deepEqual(
        programs.filter((name) => name.startsWith("pulumi-resource-")),
        [],
        folder,
      );
    }
  });
});
