import assert from "node:assert/strict";
import { line } from "../../../operations/coolify/rate-budget.ts";
import { memoryLog } from "../../../operations/coolify/shared-log.ts";
import { Throttle } from "../../../operations/coolify/throttle.ts";
import { silent } from "../../../operations/progress.ts";

const watch = { progress: silent, signal: new AbortController().signal };

/** A log in which this many of 200 requests a minute were sent just now. */
async function spent(requests: number) {
  const log = memoryLog();
  await log.append(line.limit(Date.now(), 200));
  for (let sent = 0; sent < requests; sent += 1) await log.append(line.slot(Date.now(), `r${sent}`, Date.now()));
  return log;
}

describe("a throttle that is prompt", () => {
  it("sends at once where another would go slowly, and counts what it sent", async () => {
    const log = await spent(170);
    const throttle = new Throttle(log, { prompt: true });
    const started = performance.now();
    await Promise.all(Array.from({ length: 9 }, () => throttle.turn("read", watch)));
    assert.ok(performance.now() - started < 300);
    assert.equal((await log.read()).match(/^slot /gm)?.length, 179);
  });

  it("gives up when the limit is spent, says how long that lasts, and takes nothing of it", async () => {
    const log = await spent(180);
    await assert.rejects(new Throttle(log, { prompt: true }).turn("read", watch), {
      message:
        "Coolify: the next request would have to wait 61 s: runs with this token share 180 of the 200 requests a minute that Coolify allows. " +
        "Ask again after that, or raise API_RATE_LIMIT on the server.",
    });
    assert.equal((await log.read()).match(/^slot /gm)?.length, 180);
  });
});
