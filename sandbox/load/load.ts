import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { z } from "zod";
import { lookup } from "./lookup.ts";
import { loadOptions } from "./options.ts";
import { Recorder, type Outcome } from "./recorder.ts";
import { LoadOptions, type LoadReport } from "./spec.ts";

export interface Load {
  /** Sends no more, waits for the answers that are still due (at most `timeoutMs`), and says what was seen. */
  stop(): Promise<LoadReport>;
}

/**
 * Sends requests at a constant rate until it is stopped, over connections that are kept alive, however slow the answers are (an
 * open loop: a server that hangs does not slow its judge down). Never sends a request again and never follows a redirect.
 */
export function startLoad(input: LoadOptions): Load {
  const options = loadOptions("load", LoadOptions, input);
  const recorder = new Recorder(performance.now(), new Date());
  const agents = Array.from({ length: options.connections }, () => new Agent({ keepAlive: true, maxFreeSockets: 1 }));
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const headers = {
    ...options.headers,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
  };
  const intervalMs = 1000 / options.requestsPerSecond;
  let next = 0;
  let pending = 0;
  let timer: NodeJS.Timeout;
  let stopping: Promise<LoadReport> | undefined;
  let whenIdle: (() => void) | undefined;

  function tick(): void {
    for (; dueMs(next) <= performance.now(); next += 1) fire(next);
    timer = setTimeout(tick, Math.max(0, dueMs(next) - performance.now()));
  }

  function dueMs(index: number): number {
    return recorder.startedAtMs + index * intervalMs;
  }

  function fire(index: number): void {
    const path = options.paths[index % options.paths.length] ?? "/";
    const due = dueMs(index);
    pending += 1;
    recorder.send(due, performance.now());
    const sent = request(new URL(path, options.url), {
      method: options.method,
      agent: agents[index % agents.length],
      headers,
      lookup,
    });
    sent.on("socket", () => {
      if (!sent.reusedSocket) recorder.connect();
    });
    void outcomeOf(sent, options.timeoutMs).then((outcome) => {
      recorder.end(path, due, performance.now(), outcome);
      pending -= 1;
      if (pending === 0) whenIdle?.();
    });
    sent.end(body);
  }

  async function finish(): Promise<LoadReport> {
    clearTimeout(timer);
    const stoppedMs = performance.now();
    if (pending > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    for (const agent of agents) agent.destroy();
    return recorder.report(stoppedMs);
  }

  tick();
  return { stop: () => (stopping ??= finish()) };
}

/** Waits for the whole answer, an error, or the time limit. Never rejects: a failure is a result here. */
async function outcomeOf(sent: ClientRequest, timeoutMs: number): Promise<Outcome> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve({ ok: false, reason: "timeout" });
      sent.destroy();
    }, timeoutMs);
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    sent.on("error", (error: NodeJS.ErrnoException) => settle({ ok: false, reason: error.code ?? error.message }));
    sent.on("response", (answer) => {
      answer.on("error", () => settle({ ok: false, reason: "aborted" }));
      const release = releaseOf(answer);
      answer.on("end", () => settle(judge(answer.statusCode ?? 0, release())));
    });
  });
}

function judge(status: number, release: string | undefined): Outcome {
  if (status >= 500 || status === 404) return { ok: false, reason: `status ${status}`, status };
  return { ok: true, status, release };
}

const Body = z.object({ release: z.string() });
const bodyLimit = 64 * 1024;

/** Reads an answer to its end; returns how to get the `release` of its JSON body then. */
function releaseOf(answer: IncomingMessage): () => string | undefined {
  const chunks: Buffer[] = [];
  let size = 0;
  const isJson = /\bjson\b/.test(answer.headers["content-type"] ?? "");
  answer.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (isJson && size <= bodyLimit) chunks.push(chunk);
  });
  return () => {
    if (!isJson || size > bodyLimit) return undefined;
    try {
      return Body.safeParse(JSON.parse(Buffer.concat(chunks).toString("utf8"))).data?.release;
    } catch {
      return undefined;
    }
  };
}
