import { request, type Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { HealthCheck } from "./definition.ts";

const mostRedirects = 10;

/**
 * Checks a service's servers until `signal` is aborted (pkg/healthcheck): first after one interval, one server after another; servers that are down in
 * a round of their own. `decided` is called with each result.
 */
export function checkHealth(
  servers: readonly string[],
  check: HealthCheck,
  agent: Agent,
  signal: AbortSignal,
  decided: (url: string, up: boolean, reason: string) => void,
): void {
  const rounds = { up: [...servers], down: [] as string[] };
  const watch = async (round: keyof typeof rounds, everyMs: number) => {
    let due = Date.now() + everyMs;
    for (;;) {
      await pause(Math.max(0, due - Date.now()), undefined, { signal, ref: false });
      // A round that took long does not make up for the rounds it missed.
      due = Math.max(due + everyMs, Date.now());
      for (const url of rounds[round].splice(0)) {
        const failure = await failureOf(url, check, agent, signal);
        if (signal.aborted) return;
        rounds[failure === null ? "up" : "down"].push(url);
        decided(url, failure === null, failure ?? "");
      }
    }
  };
  const ended = (error: unknown) => {
    if (!signal.aborted) throw error;
  };
  void watch("up", check.intervalMs).catch(ended);
  void watch("down", check.unhealthyIntervalMs).catch(ended);
}

async function failureOf(
  server: string,
  check: HealthCheck,
  agent: Agent,
  signal: AbortSignal,
): Promise<string | null> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(check.timeoutMs)]);
  try {
    let url = new URL(check.path, server);
    if (check.port !== 0) url.port = `${check.port}`;
    for (let redirects = 0; ; redirects += 1) {
      const { status, location } = await ask(url, check, agent, limit);
      if (
        check.followRedirects &&
        status >= 300 &&
        status < 400 &&
        location !== undefined &&
        redirects < mostRedirects
      ) {
        url = new URL(location, url);
        continue;
      }
      const expected = check.status === 0 ? status >= 200 && status < 400 : status === check.status;
      return expected ? null : `received error status code: ${status}`;
    }
  } catch (error) {
    return `HTTP request failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function ask(
  url: URL,
  check: HealthCheck,
  agent: Agent,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined }> {
  const host = check.hostname === "" ? url.host : check.hostname;
  return new Promise((resolve, reject) => {
    const headers = { ...check.headers, host, "user-agent": "Go-http-client/1.1" };
    const asked = request(url, { method: check.method, headers, agent, signal }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, location: response.headers.location });
    });
    asked.once("error", reject);
    asked.end();
  });
}
