import assert from "node:assert/strict";
import type { Clock } from "../../../operations/agent/clock.ts";
import type { Job } from "../../../operations/agent/jobs.ts";
import { jsonLog } from "../../../operations/agent/log.ts";
import { AgentMetrics } from "../../../operations/agent/metrics.ts";
import { lookEveryMs, workLane } from "../../../operations/agent/worker.ts";
import { silent } from "../../../operations/progress.ts";

describe("a worker of the agent", () => {
  it("tries again soon what was put off, does what comes after it meanwhile, and tells nobody", async () => {
    const [done, pages, ended] = [[] as string[], [] as string[], new AbortController()];
    let now = 0;
    const clock: Clock = {
      now: () => new Date(now),
      async wait(ms) {
        now += ms;
        if (now > 3 * lookEveryMs) ended.abort();
      },
    };
    const job = (name: string, outcome: Awaited<ReturnType<Job["run"]>>): Job => ({
      ...{ name, identity: "writer" },
      isDue: (_, begun) => begun === undefined || name === "backup",
      async run() {
        done.push(`${name} at ${now / lookEveryMs}`);
        return outcome;
      },
    });
    const nothing = () => null;
    const metrics = new AgentMetrics({
      ...{ now: () => clock.now(), bucket: nothing, database: nothing },
      ...{ ourTurn: () => true, nextRuns: () => new Map() },
    });
    const knowledge = { bucket: null, database: null, succeeded: new Map<string, Date>() };
    await workLane(
      [job("backup", "put off"), job("prune", undefined)],
      { env: {}, progress: silent, signal: ended.signal },
      {
        ...{ clock, metrics, knowledge, log: jsonLog({}, () => undefined), held: async () => undefined },
        page: async ({ job: name }) => void pages.push(name),
      },
    );
    assert.deepEqual(done, ["backup at 0", "prune at 0", "backup at 1", "backup at 2", "backup at 3"]);
    assert.deepEqual([pages, [...knowledge.succeeded.keys()]], [[], ["prune"]]);
  });
});
