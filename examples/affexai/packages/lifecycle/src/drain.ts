import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * - `serving`: nothing was asked of the process.
 * - `leaving`: SIGTERM came; still ready, because the proxy may be reloading and would send requests anyway.
 * - `draining`: not ready; every answer says `Connection: close`; new connections are still served.
 * - `ending`: the proxy sends nobody here any more; what would never end by itself (event streams, long polls, WebSockets) has to be
 *   ended now, the last requests are finished, then resources are closed, once nobody asked for a while: a reload of the proxy, as at
 *   the end of another container, marks a draining server up again until its next check.
 */
export type DrainPhase = "serving" | "leaving" | "draining" | "ending";

export interface DrainOptions {
  /** How long the process stays ready after SIGTERM, seconds. */
  readySeconds: number;
  /** How long it goes on serving after that, unready, seconds. */
  drainSeconds: number;
  /** How long running requests, the quiet after them and `close` may then take together at most, seconds. */
  limitSeconds: number;
  /** Paths of health checks, which go on to the end and are nobody's requests. */
  probes: readonly string[];
  /** Told about each change of phase. */
  onPhase?: (phase: DrainPhase) => void;
  /** Closes connections to databases and queues, after the last request. */
  close?: () => Promise<void>;
}

export interface Drain {
  readonly phase: DrainPhase;
}

/** Above the 90 s for which Traefik keeps idle connections: whoever closes first must be the proxy, or a request is lost. */
const keepAliveMilliseconds = 95_000;

/**
 * Without a request for so long, the process may end: longer than the proxy's check takes to find a server unready once more (1 s), and not
 * equally long in each process, because those that end together are asked after their end.
 */
const quietMilliseconds = 1_500 + Math.random() * 1_000;

/** Next.js bundles its own copy of this module into each route: the state is where all copies find it. */
const key = Symbol.for("affexai.drain");

/** The drain of this process, or undefined when none was installed (in development, in a build). */
export function currentDrain(): Drain | undefined {
  const found: unknown = Reflect.get(globalThis, key);
  return isDrain(found) ? found : undefined;
}

/**
 * Makes every HTTP server of this process outlive the proxy's idea of it: on SIGTERM (or SIGINT) it stays ready, then
 * unready, and keeps listening until it exits, which is when nobody asks any more. A second signal ends it at once. With `readySeconds` and `drainSeconds`
 * both 0 the process exits on the first signal without any of this, as applications do that never heard of draining.
 * Call it once, before the first request. Works through Node's diagnostics channels, so it also covers servers that a
 * framework creates where we cannot reach them (Node 24 documentation, diagnostics_channel, `http.server.request.start`).
 */
export function installDrain(options: DrainOptions): Drain {
  const state: { phase: DrainPhase } = { phase: "serving" };
  const running = new Set<ServerResponse>();
  const known = new WeakSet<Server>();
  let idle: (() => void) | undefined;
  let askedAt = -Infinity;

  subscribe("http.server.request.start", (message) => {
    const { server, request, response } = parts(message);
    if (server !== undefined && !known.has(server)) {
      known.add(server);
      server.keepAliveTimeout = keepAliveMilliseconds;
      server.headersTimeout = keepAliveMilliseconds + 5_000;
    }
    if (response === undefined) return;
    if (!options.probes.includes(request?.url?.replace(/\?.*/, "") ?? "")) askedAt = performance.now();
    running.add(response);
    response.once("close", () => {
      running.delete(response);
      if (running.size === 0) idle?.();
    });
    if (state.phase === "draining" || state.phase === "ending") closeAfterwards(response);
  });

  const enter = (phase: DrainPhase): void => {
    state.phase = phase;
    options.onPhase?.(phase);
  };

  const quiet = async (): Promise<void> => {
    for (;;) {
      if (running.size > 0) await new Promise<void>((resolve) => (idle = resolve));
      const left = askedAt + quietMilliseconds - performance.now();
      if (left > 0) await seconds(left / 1000);
      else if (running.size === 0) return;
    }
  };

  const finish = async (): Promise<void> => {
    enter("ending");
    await quiet();
    await options.close?.();
  };

  const leave = async (): Promise<void> => {
    enter("leaving");
    await seconds(options.readySeconds);
    enter("draining");
    for (const response of running) closeAfterwards(response);
    await seconds(options.drainSeconds);
    await Promise.race([finish(), seconds(options.limitSeconds)]);
    process.exit(0);
  };

  const onSignal = (): void => {
    if (state.phase !== "serving" || (options.readySeconds === 0 && options.drainSeconds === 0)) process.exit(0);
    leave().catch((error: unknown) => {
      process.stderr.write(`drain: ${error instanceof Error ? error.message : "failed"}\n`);
      process.exit(1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  Reflect.set(globalThis, key, state);
  return state;
}

/** An upgraded or already answered request has no header left to set. */
function closeAfterwards(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}

function parts(message: unknown): { server?: Server; request?: IncomingMessage; response?: ServerResponse } {
  if (typeof message !== "object" || message === null) return {};
  return {
    ...("server" in message && message.server instanceof Server ? { server: message.server } : {}),
    ...("request" in message && message.request instanceof IncomingMessage ? { request: message.request } : {}),
    ...("response" in message && message.response instanceof ServerResponse ? { response: message.response } : {}),
  };
}

function isDrain(value: unknown): value is Drain {
  return typeof value === "object" && value !== null && "phase" in value;
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
