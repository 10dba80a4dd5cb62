import { serve, type ServerType } from "@hono/node-server";
import type { AddressInfo } from "node:net";
import { Background } from "./background.ts";
import type { Clock, Coolify } from "./context.ts";

import { DeploymentQueue } from "./deployments/queue.ts";
import { runDeployment } from "./deployments/run.ts";
import { Engine, type EngineOptions } from "./docker/engine.ts";
import { RegistryLogins } from "./docker/registry-logins.ts";
import { createApi } from "./http/api.ts";
import { Faults } from "./http/faults.ts";
import type { Token } from "./http/request.ts";
import { routes } from "./routes.ts";
import { seed } from "./seed.ts";
import { Store } from "./store.ts";
import { Version } from "./version.ts";

export type { Token } from "./http/request.ts";

export interface CoolifyOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Where state.json and docker-config.json live. */
  dir: string;
  /** The Docker Engine API that deployments run against, over plain HTTP. */
  docker: EngineOptions;
  /** The release to play, for example `4.4.7`. */
  version: string;
  tokens: Token[];
  /** Requests a user may make in a minute; 200 when left out. */
  rateLimitPerMinute?: number;
  /** How long the minute of that limit is, in ms; 60,000 when left out. */
  rateLimitWindowMs?: number;
  /** The proxy of the server; traefik when left out. */
  proxy?: "traefik" | "caddy" | "none";
  /**
   * Shortens what Coolify itself sleeps: the start period and the intervals of the deploy gate. 1 when left out. Docker's own health
   * intervals and grace periods stay as they are.
   */
  timeScale?: number;
  /** Told, a line each, of work that failed behind an answer, and of errors that became a 500; stderr when left out. */
  log?(line: string): void;
}

export interface RunningCoolify {
  /** Without a path; the API is below /api/v1. */
  url: string;
  /** Stops answering and kills running jobs, as a crash would. Deployments that were open are failed at the next start. */
  close(): Promise<void>;
}

/** Starts the stand-in. Rejects when the port is taken, the state file is broken or the version is not one it plays. */
export async function startCoolify(options: CoolifyOptions): Promise<RunningCoolify> {
  const stopping = new AbortController();
  const report = (error: unknown, name: string): void => {
    if (stopping.signal.aborted) return;
    const line = `coolify: ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    if (options.log === undefined) console.error(line);
    else options.log(line);
  };
  const store = await Store.open(options.dir);
  const queue = new DeploymentQueue();
  const coolify: Coolify = {
    version: new Version(options.version),
    store,
    engine: new Engine(options.docker, stopping.signal),
    logins: new RegistryLogins(options.dir, stopping.signal),
    queue,
    background: new Background(report),
    clock: clock(options.timeScale ?? 1, stopping.signal),
    signal: stopping.signal,
  };
  queue.attach(coolify, (deployment, application) => runDeployment(coolify, deployment, application));
  seed(store, { tokens: options.tokens, address: options.host, proxy: options.proxy });
  queue.failInterrupted();
  await store.save();

  const api = createApi(coolify, {
    routes: routes(coolify),
    tokens: options.tokens,
    faults: new Faults(),
    rateLimitPerMinute: options.rateLimitPerMinute ?? 200,
    rateLimitWindowMs: options.rateLimitWindowMs ?? 60_000,
    report,
  });
  const { server, port } = await listen(api.fetch, options);
  return {
    url: `http://${options.host}:${port}`,
    async close() {
      stopping.abort(new Error("sandbox/coolify was stopped"));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await Promise.all([closed, queue.idle(), coolify.background.idle()]);
      await store.save();
    },
  };
}

function listen(
  fetch: Parameters<typeof serve>[0]["fetch"],
  { host, port }: CoolifyOptions,
): Promise<{ server: ServerType; port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, (info: AddressInfo) => {
      server.off("error", reject);
      resolve({ server, port: info.port });
    });
    server.once("error", reject);
  });
}

function clock(scale: number, signal: AbortSignal): Clock {
  return {
    sleep: (seconds) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        };
        const timer = setTimeout(
          () => {
            signal.removeEventListener("abort", stop);
            resolve();
          },
          seconds * 1000 * scale,
        );
        signal.addEventListener("abort", stop, { once: true });
      }),
  };
}
