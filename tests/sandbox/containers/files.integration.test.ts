import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addImage, openEngine, type TestEngine } from "./fixture.ts";

describe("a container's files", () => {
  let engine: TestEngine;

  beforeEach(async () => {
    engine = await openEngine();
    // Above the root folder of every image: where Node's search would go on.
    const stray = join(engine.dir, "roots", "node_modules", "stray");
    await mkdir(stray, { recursive: true });
    await writeFile(join(stray, "package.json"), JSON.stringify({ name: "stray", main: "index.js" }));
    await writeFile(join(stray, "index.js"), "module.exports = 'found outside of the image';");
  });
  afterEach(() => engine.remove());

  async function run(file: string, source: string): Promise<string> {
    const image = `files-${file}:latest`;
    await addImage(engine, image, { [file]: source, "own.js": "module.exports = 'own';" }, { Cmd: ["node", file] });
    const container = await engine.docker.createContainer({ Image: image });
    await container.start();
    await container.wait();
    return (await container.logs({ stdout: true, stderr: true })).toString("utf8").slice(8).trim();
  }

  it("end at its root folder for require", async () => {
    const source =
      "console.log(require('./own.js')); try { require('stray') } catch (error) { console.log(error.code) }";
    assert.equal(await run("main.cjs", source), "own\nMODULE_NOT_FOUND");
  });

  it("end at its root folder for import", async () => {
    const source =
      "console.log((await import('./own.js')).default); await import('stray').catch((error) => console.log(error.code));";
    assert.equal(await run("main.mjs", source), "own\nERR_MODULE_NOT_FOUND");
  });
});
