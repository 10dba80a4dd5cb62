import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../../sandbox/processes/process-table.ts";
import { exclusively } from "../../../sandbox/workload/exclusive.ts";

describe("work that only one process may do in a folder", () => {
  let dir = "";
  const { signal } = new AbortController();
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "affexai-exclusive-"));
    await mkdir(join(dir, "turns"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const leave = (number: number, text: string) => writeFile(join(dir, "turns", `${number}`), text);
  /** A holder as it was: this very process number, that another process had before. */
  const gone = JSON.stringify({ pid: process.pid, startedAt: "before", ended: false });

  it("is done by one at a time, also when all find the same dead holder", async () => {
    await leave(7, gone);
    let inside = 0;
    const most: number[] = [];
    const work = async () => {
      inside += 1;
      most.push(inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => exclusively(dir, signal, work)));
    assert.deepEqual(most, [1, 1, 1, 1, 1]);
  });

  it("is free when its number now names another process, when its file is empty, and after work that failed", async () => {
    for (const left of [gone, ""]) {
      await leave(1, left);
      assert.equal(await exclusively(dir, signal, async () => "done"), "done");
    }
    await assert.rejects(
      exclusively(dir, signal, () => Promise.reject(new Error("the compiler failed"))),
      /the compiler failed/,
    );
    assert.equal(await exclusively(dir, signal, async () => "done"), "done");
  });

  it("waits for a process that runs, until it is cut off", async () => {
    const holder = await identify(process.ppid);
    await leave(3, JSON.stringify({ ...holder, ended: false }));
    const abort = new AbortController();
    const waiting = exclusively(dir, abort.signal, () => assert.fail("two at once"));
    abort.abort();
    await assert.rejects(waiting, { name: "AbortError" });
  });
});
