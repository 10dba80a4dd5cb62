import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface LoadResult {
  readonly sent: number;
  /** Failures by kind: a status of 404 or 5xx, or the code of a connection error. */
  readonly failures: Readonly<Record<string, number>>;
  readonly failed: number;
  /** From the first failure to the last, in seconds. */
  readonly failingSeconds: number;
}

export interface Load {
  /** Resolves when this many more requests were sent. */
  sent(more: number): Promise<void>;
  /** Ends it, waits for the last answers, and counts. */
  stop(): Promise<LoadResult>;
}

/** Sends requests at a constant rate over kept-alive connections, whatever comes back, and never repeats one. An answer has 5 s. */
export function startLoad(target: { port: number; host: string; path: string }, perSecond: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const failures = new Map<string, number>();
  const failureTimes: number[] = [];
  const pending = new Set<Promise<void>>();
  const stopped = new AbortController();
  let sent = 0;
  const fail = (kind: string) => {
    failures.set(kind, (failures.get(kind) ?? 0) + 1);
    failureTimes.push(Date.now());
  };
  const send = () => {
    sent += 1;
    const done = new Promise<void>((resolve) => {
      const asked = request({
        host: "127.0.0.1",
        port: target.port,
        path: target.path,
        headers: { host: target.host },
        agent,
        timeout: 5000,
      });
      asked.once("timeout", () => asked.destroy(Object.assign(new Error("no answer within 5 s"), { code: "TIMEOUT" })));
      asked.once("response", (response) => {
        const status = response.statusCode ?? 0;
        if (status === 404 || status >= 500) fail(`${status}`);
        response.resume();
        response.once("close", resolve);
      });
      asked.once("error", (error) => {
        fail("code" in error ? String(error.code) : error.message);
        resolve();
      });
      asked.end();
    });
    pending.add(done);
    void done.finally(() => pending.delete(done));
  };
  const running = (async () => {
    const begun = Date.now();
    while (!stopped.signal.aborted) {
      const due = ((Date.now() - begun) / 1000) * perSecond;
      while (sent < due) send();
      await pause(5);
    }
  })();
  return {
    async sent(more) {
      const wanted = sent + more;
      while (sent < wanted) await pause(5);
    },
    async stop() {
      stopped.abort();
      await running;
      await Promise.all(pending);
      agent.destroy();
      const failed = failureTimes.length;
      const failingSeconds = failed === 0 ? 0 : (Math.max(...failureTimes) - Math.min(...failureTimes)) / 1000;
      return { sent, failures: Object.fromEntries(failures), failed, failingSeconds };
    },
  };
}
