import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { deadLock } from "../../operations/dead-lock.ts";

/** As pulumi 3.259 prints it. */
const locked = (host: string, pid: number) =>
  "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n" +
  `  file:///state/.pulumi/locks/organization/affexai/sandbox/a54c9fbf.json?no_tmp_dir=true: created by root@${host} (pid ${pid}) at 2026-11-28T19:18:07Z`;

describe("a stack that is locked", () => {
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);

  it("by a run that was killed here is refused with the command that takes the lock away", () => {
    assert.equal(
      deadLock({ ok: false, output: locked(hostname(), gone) }, "sandbox")?.message,
      `stack sandbox: is locked by a run that was killed (process ${gone} on this machine, since 2026-11-28T19:18:07Z). ` +
        "Take the lock away (pulumi cancel --yes sandbox), then run the same command again.",
    );
  });

  it("by a run that is alive, or on another machine, is not called dead", () => {
    assert.equal(deadLock({ ok: false, output: locked(hostname(), process.pid) }, "sandbox"), null);
    assert.equal(deadLock({ ok: false, output: locked("elsewhere", gone) }, "sandbox"), null);
  });

  it("is not what other endings are", () => {
    assert.equal(deadLock({ ok: false, output: "error: update failed" }, "sandbox"), null);
    assert.equal(deadLock({ ok: true, output: locked(hostname(), gone) }, "sandbox"), null);
  });
});
