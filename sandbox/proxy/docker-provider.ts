import { setTimeout as pause } from "node:timers/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import Docker from "dockerode";
import { definitionsOf } from "./container-definitions.ts";
import type { Definitions } from "./definition.ts";
import { merge } from "./merge.ts";

export interface ProviderOptions {
  readonly docker: { readonly host: string; readonly port: number };
  /** The network whose addresses are used unless a label names another. */
  readonly network: string;
  /** No configuration is handed on sooner than this after the one before it. Traefik's providersThrottleDuration, 2 s unless set. */
  readonly throttleMs: number;
  readonly apply: (definitions: Definitions) => void;
  readonly log: (line: string) => void;
}

const slowestRetryMs = 5_000;

/**
 * Watches Docker as Traefik's docker provider does (pkg/provider/docker/pdocker.go): everything is read anew at the start, and whenever a container
 * starts, dies, or changes its health. A container that is being stopped is not heard of before it dies. Returns the function that ends it.
 */
export function watchDocker(options: ProviderOptions): () => void {
  const docker = new Docker({ ...options.docker, protocol: "http" });
  const closed = new AbortController();
  const hand = throttled(options.throttleMs, closed.signal, options.apply);
  let reported = "";
  const read = async () => {
    const { definitions, problems } = await configuration(docker, options.network);
    // Once for each new state of affairs: the same problem is found at every event.
    if (problems.join("\n") !== reported) for (const problem of problems) options.log(problem);
    reported = problems.join("\n");
    hand(definitions);
  };
  const watch = async () => {
    for (let delayMs = 500; !closed.signal.aborted;) {
      try {
        await followEvents(docker, coalesced(read), closed.signal, () => (delayMs = 500));
      } catch (error) {
        if (closed.signal.aborted) return;
        options.log(
          `Cannot read from Docker: ${error instanceof Error ? error.message : String(error)}; trying again in ${delayMs} ms.`,
        );
        await pause(delayMs, undefined, { signal: closed.signal }).catch(() => undefined);
        delayMs = Math.min(delayMs * 1.5, slowestRetryMs);
      }
    }
  };
  void watch();
  return () => closed.abort();
}

async function configuration(docker: Docker, network: string) {
  const running = await docker.listContainers();
  const inspected = await Promise.all(
    running.map(({ Id }) =>
      docker
        .getContainer(Id)
        .inspect()
        // It may be gone by now.
        .catch(() => null),
    ),
  );
  const problems: string[] = [];
  const byContainer = inspected
    .filter((container) => container !== null)
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
    .flatMap((container) => {
      try {
        const definitions = definitionsOf(container, network);
        return definitions === null ? [] : [definitions];
      } catch (error) {
        problems.push(
          `Container ${container.Name.slice(1)}: ${error instanceof Error ? error.message : String(error)}`,
        );
        return [];
      }
    });
  const { definitions, conflicts } = merge(byContainer);
  return { definitions, problems: [...problems, ...conflicts] };
}

/**
 * Calls `changed` at the start and for each event that matters, until the stream ends, which is an error unless `signal` ended it. The stream is opened
 * first, so that nothing is missed in between (Traefik reads first).
 */
async function followEvents(
  docker: Docker,
  changed: () => Promise<void>,
  signal: AbortSignal,
  connected: () => void,
): Promise<void> {
  const stream = (await docker.getEvents({ filters: { type: ["container"] }, abortSignal: signal })) as Readable;
  await changed();
  connected();
  let failure: Error | null = null;
  for await (const line of createInterface({ input: stream })) {
    const { Action = "" } = JSON.parse(line) as { Action?: string };
    if (!["start", "die"].includes(Action) && !Action.startsWith("health_status")) continue;
    void changed().catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
      stream.destroy();
    });
  }
  throw failure ?? new Error("the stream of events ended");
}

/** Runs `work` once more after the one under way, however often it is asked for meanwhile. */
function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again: Promise<void> | null = null;
  const run = () => {
    running = work().finally(() => (running = null));
    return running;
  };
  return () => {
    if (running === null) return run();
    again ??= running.then(() => {
      again = null;
      return run();
    });
    return again;
  };
}

/**
 * Hands on the first value at once and then, no sooner than `everyMs` after the one before, the newest (pkg/provider/aggregator). A value equal to the one
 * handed on last changes nothing, and Traefik does not reload for it, but it does count for the pause.
 */
function throttled(
  everyMs: number,
  signal: AbortSignal,
  apply: (definitions: Definitions) => void,
): (definitions: Definitions) => void {
  let pending: Definitions | null = null;
  let last: Definitions | null = null;
  let resting = false;
  const next = () => {
    if (pending === null || signal.aborted) return;
    const value = pending;
    pending = null;
    resting = true;
    void pause(everyMs, undefined, { signal, ref: false }).then(
      () => {
        resting = false;
        next();
      },
      () => undefined,
    );
    if (isDeepStrictEqual(value, last)) return;
    last = value;
    apply(value);
  };
  return (definitions) => {
    pending = definitions;
    if (!resting) next();
  };
}
