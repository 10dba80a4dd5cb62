import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyFolder } from "../../../sandbox/demo/empty-folder.ts";
import { openStage } from "../../../sandbox/demo/open.ts";
import { silent } from "../../../operations/progress.ts";

describe("the folder that a demo empties", () => {
  let base = "";
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "affexai-demo-folder-"));
  });
  afterEach(() => rm(base, { recursive: true }));

  it("is made when it is missing, taken when it is empty, and emptied when a demo made it", async () => {
    await mkdir(join(base, "empty"));
    for (const folder of [join(base, "missing"), join(base, "empty")]) {
      await emptyFolder(folder);
      await writeFile(join(folder, "state"), "of a demo");
      await emptyFolder(folder);
      assert.deepEqual(await readdir(folder), ["demo"]);
    }
  });

  it("is refused when somebody made a sandbox there, by its name and with the way out, and keeps everything", async () => {
    // As `eval "$(./affexai sandbox env)"` leaves a shell: the demo's folder is a folder in this one.
    await mkdir(join(base, "demo"));
    await writeFile(join(base, "credentials.json"), "by hand");
    const context = {
      env: { AFFEXAI_SANDBOX_DIR: base },
      signal: new AbortController().signal,
      progress: silent,
    };
    const refusal = {
      name: "OperationError",
      kind: "refused",
      message: new RegExp(`^${base}: holds a sandbox that no demo made.*env -u AFFEXAI_SANDBOX_DIR \\./affexai demo`),
    };
    await assert.rejects(emptyFolder(base), refusal);
    await assert.rejects(openStage(context), refusal);
    assert.equal(await readFile(join(base, "credentials.json"), "utf8"), "by hand");
  });
});
