import assert from "node:assert/strict";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../../../operations/progress.ts";
import { openStage } from "../../../sandbox/demo/open.ts";
import { freePorts } from "../../../sandbox/processes/free-port.ts";
import { serviceNames } from "../../../sandbox/supervisor/sandbox.ts";
import { sandboxDown } from "../../../sandbox/verbs/down.ts";
import { sandboxStatus } from "../../../sandbox/verbs/status.ts";
import { sandboxUp } from "../../../sandbox/verbs/up.ts";

describe("a demo that is cut off while it sets up", function () {
  this.timeout(120_000);
  let folder = "";
  let env: Record<string, string | undefined> = {};
  const hosts = process.env["AFFEXAI_SANDBOX_HOSTS"];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-demo-"));
    await chmod(folder, 0o755);
    const port = await freePorts("127.0.0.1", serviceNames.length);
    env = { ...process.env, AFFEXAI_SANDBOX_DIR: folder, AFFEXAI_SANDBOX_PORT: `${port}` };
  });
  afterEach(async () => {
    await sandboxDown({ env, progress: cutOffAt("never").progress, signal: new AbortController().signal });
    await rm(folder, { recursive: true });
    // The stage tells this process its hosts.
    if (hosts === undefined) delete process.env["AFFEXAI_SANDBOX_HOSTS"];
    else process.env["AFFEXAI_SANDBOX_HOSTS"] = hosts;
  });

  /** Progress that aborts as a step begins; the titles of the steps that ran. */
  function cutOffAt(title: string) {
    const abort = new AbortController();
    const steps: string[] = [];
    const progress: Progress = {
      step(begun, work) {
        steps.push(begun);
        if (begun === title) abort.abort(new Error("SIGINT"));
        return work(progress);
      },
      note: () => undefined,
    };
    return { progress, steps, signal: abort.signal };
  }

  it("leaves nothing running when it ends while the releases are built and pushed", async () => {
    const { progress, signal, steps } = cutOffAt("build and push the releases of the workload");
    await assert.rejects(openStage({ env, progress, signal }), /SIGINT|cancelled/);
    assert.equal(steps.at(-1), "stop the containers");
    assert.equal((await sandboxStatus(env)).state, "down");
  });

  it("leaves nothing running when `sandbox up` ends while the stack is made", async () => {
    const { progress, signal } = cutOffAt("make the stack");
    await assert.rejects(sandboxUp({ env, progress, signal }), /cancelled/);
    assert.equal((await sandboxStatus(env)).state, "down");
  });
});
