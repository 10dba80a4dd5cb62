import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { basicHeader, clientOf, credentials, sha256 } from "./client.ts";

const base = "/v2/affexai/backend";

describe("a registry that is killed", () => {
  let dir: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "registry-kill-"));
  });

  afterEach(async () => {
    if (child !== undefined) await kill(child);
    await rm(dir, { recursive: true, force: true });
  });

  async function startProcess(): Promise<string> {
    const module = new URL("../../../sandbox/registry/server.ts", import.meta.url).href;
    const started = spawn(process.execPath, ["--input-type=module", "-"], { stdio: ["pipe", "pipe", "inherit"] });
    child = started;
    started.stdin.end(`
      import { startRegistry } from ${JSON.stringify(module)};
      const registry = await startRegistry(${JSON.stringify({ host: "127.0.0.1", port: 0, dir, ...credentials })});
      console.log(registry.url);
    `);
    const [url] = (await once(createInterface({ input: started.stdout }), "line")) as [string];
    return url;
  }

  async function kill(running: ChildProcess): Promise<void> {
    child = undefined;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }

  it("goes on with an upload from where the disk has it, and has no half blob", async () => {
    const content = "0123456789".repeat(100_000);
    const url = await startProcess();
    const location = (await clientOf({ url })("POST", `${base}/blobs/uploads/`)).headers.get("location") ?? "";
    const half = request(new URL(location, url), { method: "PATCH", headers: { authorization: basicHeader } });
    const broken = once(half, "error");
    half.write(content.slice(0, 500_000));
    await untilRange(url, location, "0-499999");
    await kill(child ?? assert.fail("not started"));
    await broken;

    const client = clientOf({ url: await startProcess() });
    assert.equal((await client("GET", `${base}/blobs/${sha256(content)}`)).status, 404);
    assert.equal((await client("GET", location)).headers.get("range"), "0-499999");
    const done = await client("PUT", `${location}?digest=${sha256(content)}`, content.slice(500_000));
    assert.equal(done.status, 201);
    assert.equal(sha256(await (await client("GET", `${base}/blobs/${sha256(content)}`)).bytes()), sha256(content));
  });

  /** Asks until the upload has got so far; mocha's limit ends it otherwise. */
  async function untilRange(url: string, location: string, range: string): Promise<void> {
    while ((await clientOf({ url })("GET", location)).headers.get("range") !== range);
  }
});
