import { setTimeout as delay } from "node:timers/promises";
import { startEventStreamsProcess, startLoadProcess, startSocketsProcess } from "../../sandbox/load/load-process.ts";
import type { Mark, Seen } from "./row.ts";

/** To one application, all clients together: the load of the claim. */
const requestsPerSecond = 200;
/** Each takes five seconds, so ten are open at any time. */
const longRequestsPerSecond = 2;
const sockets = 5;
const streams = 5;
/** The proxy takes a change up to 2 s after it was made (Traefik 3.5.0, cmd/configuration.go): what a scenario costs shows until then. */
const afterwardsMs = 2500;

/** Runs `work` while clients ask an application, wait on it, and hold sockets and streams of events open to it. */
export async function underTraffic<T>(
  url: string,
  signal: AbortSignal,
  work: (mark: (text: string) => void) => Promise<T>,
): Promise<{ result: T; seconds: number; seen: Seen }> {
  const marks: { at: number; text: string }[] = [];
  const started = await Promise.allSettled([
    startLoadProcess({ url, requestsPerSecond, paths: ["/version", "/api/pages/home"] }),
    startLoadProcess({
      url,
      requestsPerSecond: longRequestsPerSecond,
      paths: ["/api/updates?waitSeconds=5"],
      timeoutMs: 10_000,
    }),
    startSocketsProcess({
      url: `${url.replace(/^http/, "ws")}/updates`,
      sockets,
      message: JSON.stringify({ event: "watch", data: {} }),
    }),
    startEventStreamsProcess({ url: `${url}/api/updates/stream`, streams }),
  ]);
  const began = performance.now();
  const stopAll = () =>
    Promise.allSettled(started.flatMap((one) => (one.status === "fulfilled" ? [one.value.stop()] : [])));
  const [requests, longRequests, held, followed] = started;
  try {
    if (requests.status === "rejected") throw requests.reason;
    if (longRequests.status === "rejected") throw longRequests.reason;
    if (held.status === "rejected") throw held.reason;
    if (followed.status === "rejected") throw followed.reason;
    const mark = (text: string) => marks.push({ at: Date.now(), text });
    const result = await work(mark);
    const seconds = (performance.now() - began) / 1000;
    mark("done");
    await delay(afterwardsMs, undefined, { signal });
    const [short, long, open, events] = await Promise.all([
      requests.value.stop(),
      longRequests.value.stop(),
      held.value.stop(),
      followed.value.stop(),
    ]);
    const since = Date.parse(short.startedAt);
    const placed: Mark[] = marks.map(({ at, text }) => ({ atMs: at - since, text }));
    const seen: Seen = { requests: short, longRequests: long, sockets: open, streams: events, marks: placed };
    return { result, seconds, seen };
  } catch (error) {
    await stopAll();
    throw error;
  }
}
