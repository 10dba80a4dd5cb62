import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { describeSandbox } from "../../../sandbox/supervisor/sandbox.ts";
import { stackFileOf, writeStackFile } from "../../../sandbox/supervisor/stack-file.ts";

describe("the stack file of a sandbox", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-stack-file-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is a copy with other ports, and with nothing else that differs", async () => {
    const sandbox = describeSandbox({ AFFEXAI_SANDBOX_DIR: folder, AFFEXAI_SANDBOX_PORT: "8100" });
    await writeStackFile(sandbox);
    const text = await readFile(stackFileOf(sandbox) ?? "", "utf8");
    const own = await readFile("Pulumi.sandbox.yaml", "utf8");
    const { config } = parse(text) as { config: Record<string, Record<string, unknown>> };
    assert.deepEqual(config["docker:registryAuth"], [{ address: "127.0.0.1:8103" }]);
    assert.equal(config["affexai:registry"]?.["host"], "127.0.0.1:8103");
    assert.equal(config["affexai:routes"]?.["publicPort"], 8100);
    assert.equal(config["affexai:storage"]?.["endpoint"], "http://s3.sandbox.localhost:8102");
    assert.deepEqual(parse(text.replaceAll(/\b810([0-5])\b/g, "730$1")), parse(own));
  });

  it("is the repository's own on the ports that this names: nothing is written", async () => {
    const sandbox = describeSandbox({ AFFEXAI_SANDBOX_DIR: folder });
    await writeStackFile(sandbox);
    assert.equal(stackFileOf(sandbox), null);
    assert.deepEqual(await readdir(folder), []);
  });

  it("has migrations run as containers on the docker runtime, and is otherwise the repository's", async () => {
    const sandbox = { ...describeSandbox({ AFFEXAI_SANDBOX_DIR: folder }), runtime: "docker" as const };
    await writeStackFile(sandbox);
    const own = parse(await readFile("Pulumi.sandbox.yaml", "utf8")) as {
      config: Record<string, Record<string, unknown>>;
    };
    assert.equal(own.config["affexai:migrations"]?.["imageRuntime"], "unpacked");
    own.config["affexai:migrations"]["imageRuntime"] = "docker";
    assert.deepEqual(parse(await readFile(stackFileOf(sandbox) ?? "", "utf8")), own);
  });
});
