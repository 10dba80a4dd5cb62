import { Agent, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What users saw between two moments. */
export interface Seen {
  readonly sent: number;
  /** Connection errors, 404 and 5xx, with their counts. */
  readonly failures: Readonly<Record<string, number>>;
  /** Which releases answered, in the order of their first answer. */
  readonly releases: readonly string[];
}

export interface LightLoad {
  /** What was seen since the last call, or since the start. */
  seen(): Seen;
  /** Resolves when this many more requests were sent and answered. */
  more(count: number): Promise<void>;
  /** Ends it and waits for the last answers. */
  stop(): Promise<Seen>;
}

/** Asks for `/` some 40 times a second over kept connections, never repeats a request, and gives an answer 5 s. */
export function startLightLoad(port: number, everyMs = 25): LightLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const ended = new AbortController();
  const pending = new Set<Promise<void>>();
  let sent = 0;
  let answered = 0;
  let failures = new Map<string, number>();
  let releases = new Set<string>();
  const fail = (kind: string) => void failures.set(kind, (failures.get(kind) ?? 0) + 1);
  const ask = () =>
    new Promise<void>((resolve) => {
      sent += 1;
      const asked = get({ host: "127.0.0.1", port, path: "/", agent, timeout: 5000 }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.once("close", () => {
          const status = response.statusCode ?? 0;
          if (!response.complete) fail("broken answer");
          else if (status === 404 || status >= 500) fail(`${status}`);
          else releases.add((JSON.parse(text) as { release: string }).release);
          resolve();
        });
      });
      asked.once("timeout", () => asked.destroy(new Error("no answer within 5 s")));
      asked.once("error", (error) => {
        fail("code" in error ? String(error.code) : error.message);
        resolve();
      });
    });
  const running = (async () => {
    while (!ended.signal.aborted) {
      const one = ask();
      pending.add(one);
      void one.finally(() => {
        pending.delete(one);
        answered += 1;
      });
      await pause(everyMs);
    }
  })();
  const seen = () => {
    const now: Seen = { sent, failures: Object.fromEntries(failures), releases: [...releases] };
    [sent, failures, releases] = [0, new Map<string, number>(), new Set<string>()];
    return now;
  };
  return {
    seen,
    async more(count) {
      const wanted = answered + pending.size + count;
      while (answered < wanted) await pause(everyMs);
    },
    async stop() {
      ended.abort();
      await running;
      await Promise.all(pending);
      agent.destroy();
      return seen();
    },
  };
}
