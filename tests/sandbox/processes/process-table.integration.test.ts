import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { commandOf, identify, isRunning } from "../../../sandbox/processes/process-table.ts";
import { stopProcess } from "../../../sandbox/processes/stop.ts";

/** A process that says that it runs, and then does what `code` says. */
async function start(code: string) {
  const child = spawn(process.execPath, ["-e", `${code}; setInterval(() => {}, 1000); console.log("on")`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const identity = await identify(child.pid ?? 0);
  assert.ok(identity !== null);
  return { child, identity };
}

describe("the process table", () => {
  it("tells a process from a later one of the same number", async () => {
    const own = await identify(process.pid);
    assert.ok(own !== null);
    assert.equal(await isRunning(own), true);
    assert.equal(await isRunning({ ...own, startedAt: `${own.startedAt}0` }), false);
    assert.match((await commandOf(process.pid)) ?? "", /mocha/);
  });

  it("knows nothing of a process that is gone", async () => {
    const { child, identity } = await start("");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(await isRunning(identity), false);
    assert.deepEqual([await identify(identity.pid), await commandOf(identity.pid)], [null, null]);
  });
});

describe("stopping a process of somebody else", () => {
  it("goes from mild to hard, and returns when the process is gone", async () => {
    const { identity } = await start('process.on("SIGTERM", () => {})');
    await stopProcess(identity, [
      { signal: "SIGTERM", withinMs: 200 },
      { signal: "SIGKILL", withinMs: 5000 },
    ]);
    assert.equal(await isRunning(identity), false);
  });

  it("says which signals did not help", async () => {
    const { child, identity } = await start('process.on("SIGTERM", () => {})');
    try {
      await assert.rejects(
        stopProcess(identity, [{ signal: "SIGTERM", withinMs: 100 }]),
        new RegExp(`Process ${identity.pid} is still running after SIGTERM`),
      );
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("does nothing to a process that only has the same number", async () => {
    const { child, identity } = await start("");
    await stopProcess({ ...identity, startedAt: "another" }, [{ signal: "SIGKILL", withinMs: 100 }]);
    assert.equal(await isRunning(identity), true);
    child.kill("SIGKILL");
  });
});
