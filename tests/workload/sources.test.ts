import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { hashSources, listSources, sourcesOf, workloadRoot } from "../../sandbox/workload/sources.ts";

const migrationsIn = (sources: ReadonlyMap<string, string>) =>
  [...sources.keys()].filter((path) => path.includes("/migrations/")).map((path) => path.split("/").at(-1));

describe("the sources of the workload's releases", () => {
  it("are the tree for release 1, without what builds make and without the later releases", async () => {
    const sources = await sourcesOf(1);
    assert.equal(sources.get("apps/backend/src/main.ts"), join(workloadRoot, "apps/backend/src/main.ts"));
    const strange = [...sources.keys()].filter((path) =>
      /(^|\/)(node_modules|dist|\.next|image|releases)\/|\.tsbuildinfo$/.test(path),
    );
    assert.deepEqual(strange, []);
  });

  it("add the overlays one over the other", async () => {
    const [first, second, third] = await Promise.all([sourcesOf(1), sourcesOf(2), sourcesOf(3)]);
    const overlaid = "apps/backend/src/tickets/ticket.entity.ts";
    assert.equal(second.get(overlaid), join(workloadRoot, "releases/2", overlaid));
    assert.equal(third.get(overlaid), join(workloadRoot, "releases/3", overlaid));
    assert.equal(third.get("apps/backend/src/cms/page.entity.ts"), second.get("apps/backend/src/cms/page.entity.ts"));
    const [fourth, fifth] = await Promise.all([sourcesOf(4), sourcesOf(5)]);
    assert.deepEqual(
      [first, second, third, fourth, fifth].map((sources) => migrationsIn(sources).length),
      [2, 5, 6, 8, 7],
    );
    assert.equal(fourth.get(overlaid), third.get(overlaid));
  });

  it("change only the backend from release to release, and only add migrations", async () => {
    const [first, second, third, fourth, fifth] = await Promise.all(
      [1, 2, 3, 4, 5].map((release) => sourcesOf(release)),
    );
    assert(first && second && third && fourth && fifth);
    for (const [before, after] of [
      [first, second],
      [second, third],
      [third, fourth],
      [third, fifth],
    ] as const) {
      for (const [path, file] of before) {
        if (after.get(path) === file) continue;
        assert.ok(path.startsWith("apps/backend/src/"), path);
        assert.ok(!path.includes("/migrations/"), `${path}: a migration that ran must never change`);
      }
    }
  });

  it("hash equal when their content is equal, and differently for each release", async () => {
    const shas = await Promise.all(
      [1, 2, 3, 1].map(async (release) => hashSources(await sourcesOf(release), [""], "sha1")),
    );
    assert.equal(shas[0], shas[3]);
    assert.equal(new Set(shas).size, 3);
    for (const sha of shas) assert.match(sha, /^[0-9a-f]{40}$/);
  });

  it("hash only the folders asked for", async () => {
    const [first, third] = await Promise.all([sourcesOf(1), sourcesOf(3)]);
    assert.equal(await hashSources(first, ["apps/frontend/"]), await hashSources(third, ["apps/frontend/"]));
    assert.notEqual(await hashSources(first, ["apps/backend/"]), await hashSources(third, ["apps/backend/"]));
  });

  it("hold no default secret and no registry's address", async () => {
    for (const path of await listSources(workloadRoot)) {
      const text = await readFile(join(workloadRoot, path), "utf8");
      assert.doesNotMatch(text, /(SECRET|PASSWORD|KEY)"?\]?\s*(\|\||\?\?)\s*["'`]/, path);
      if (path.endsWith("package-lock.json")) assert.doesNotMatch(text, /"resolved": "http/, path);
    }
  });
});
