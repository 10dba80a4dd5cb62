import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { getPriority, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { silent } from "../../operations/progress.ts";
import { pulumi } from "../../operations/pulumi.ts";

/** Stands in for pulumi: waits until its standard input ends, and says at which priority it and a child of it run. */
const program = `#!${process.execPath}
const { execFileSync } = require("node:child_process");
const { getPriority } = require("node:os");
const child = "process.stdout.write(String(require('node:os').getPriority()))";
process.stdin.resume().on("end", () => {
  console.log("priorities", getPriority(), execFileSync(process.execPath, ["-e", child], { encoding: "utf8" }));
});
`;

describe("a run of pulumi", () => {
  let folder: string;
  const runWith = (options?: { niceness: number }) =>
    pulumi(
      ["version"],
      {
        env: { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` },
        signal: new AbortController().signal,
        progress: silent,
      },
      options,
    );

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-pulumi-"));
    await writeFile(join(folder, "pulumi"), program);
    await chmod(join(folder, "pulumi"), 0o755);
  });
  after(() => rm(folder, { recursive: true }));

  it("has the priority of who started it", async () => {
    const { output } = await runWith();
    assert.equal(output, `priorities ${getPriority()} ${getPriority()}`);
  });

  it("runs after everybody else with all that it starts, where that is asked for", async () => {
    const { output } = await runWith({ niceness: 10 });
    const expected = Math.min(getPriority() + 10, 19);
    assert.equal(output, `priorities ${expected} ${expected}`);
  });
});
