import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silent } from "../../../operations/progress.ts";
import { describeSandbox, givenDockerHost, recordedRuntime, runtimeFile } from "../../../sandbox/supervisor/sandbox.ts";
import { sandboxUp } from "../../../sandbox/verbs/up.ts";

describe("the runtime of a state folder", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-runtime-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const env = () => ({ AFFEXAI_SANDBOX_DIR: folder });

  it("is none before anything was started on it, and processes where an older version has started something", async () => {
    assert.equal(recordedRuntime(folder), null);
    assert.equal(describeSandbox(env()).runtime, "processes");
    await writeFile(join(folder, "supervisor.json"), "{}");
    assert.equal(recordedRuntime(folder), "processes");
  });

  it("is what is recorded, and nothing else may be", async () => {
    await writeFile(runtimeFile(folder), "docker\n");
    assert.equal(describeSandbox(env()).runtime, "docker");
    await writeFile(runtimeFile(folder), "podman\n");
    assert.throws(() => recordedRuntime(folder), /must say processes or docker, got "podman"/);
  });

  it("stays what it is: another one is refused before anything is started", async () => {
    await writeFile(runtimeFile(folder), "docker\n");
    const context = { env: env(), progress: silent, signal: new AbortController().signal };
    await assert.rejects(
      sandboxUp(context, { runtime: "processes" }),
      /belongs to the runtime docker: .* Leave --runtime out, or .* AFFEXAI_SANDBOX_DIR=\.sandbox\/processes/s,
    );
  });

  it("takes another engine from DOCKER_HOST, but not the one that `sandbox env` has put there", () => {
    const sandbox = describeSandbox({ ...env(), AFFEXAI_SANDBOX_PORT: "8000" });
    assert.equal(givenDockerHost(sandbox, { DOCKER_HOST: "tcp://127.0.0.1:8005" }), undefined);
    assert.equal(givenDockerHost(sandbox, { DOCKER_HOST: "" }), undefined);
    assert.equal(givenDockerHost(sandbox, { DOCKER_HOST: "tcp://127.0.0.1:2375" }), "tcp://127.0.0.1:2375");
  });
});
