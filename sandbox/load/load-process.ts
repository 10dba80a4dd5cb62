import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { OperationError } from "../../operations/error.ts";
import { start } from "../../operations/process.ts";
import { EventStreamReport, type EventStreamOptions } from "./event-stream-spec.ts";
import type { Load } from "./load.ts";
import { SocketReport, type SocketOptions } from "./socket-spec.ts";
import type { Sockets } from "./sockets.ts";
import { LoadReport, type LoadOptions } from "./spec.ts";

/** Longer than any load lasts; the process ends by itself when this one is gone. */
const limitMs = 24 * 3600 * 1000;

/** Starts a load in a process of its own and returns when it sends. It ends with `stop`, and with this process. */
export async function startLoadProcess(options: LoadOptions): Promise<Load> {
  return startProcess("requests", options, LoadReport);
}

/** The same for WebSockets that are held open. */
export async function startSocketsProcess(options: SocketOptions): Promise<Sockets> {
  return startProcess("sockets", options, SocketReport);
}

/** The same for streams of server-sent events that are held open. */
export async function startEventStreamsProcess(
  options: EventStreamOptions,
): Promise<{ stop(): Promise<EventStreamReport> }> {
  return startProcess("event-streams", options, EventStreamReport);
}

async function startProcess<Report extends z.ZodType>(
  kind: "requests" | "sockets" | "event-streams",
  options: unknown,
  report: Report,
): Promise<{ stop(): Promise<z.output<Report>> }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = start({ file: process.execPath, arguments: [main, kind], timeoutMs: limitMs });
  const output: string[] = [];
  const errors: string[] = [];
  const lines = createInterface({ input: child.stdout }).on("line", (line) => output.push(line));
  const sending = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on("line", (line) => (line === "sending" ? resolve() : errors.push(line)));
  });
  const ended = Promise.all([child, new Promise((resolve) => lines.once("close", resolve))]).catch((error: unknown) => {
    throw failed(errors, error);
  });
  child.stdin.write(`${JSON.stringify(options)}\n`);
  await Promise.race([sending, ended.then(() => Promise.reject(failed(errors)))]);
  return {
    async stop() {
      child.stdin.end();
      await ended;
      return report.parse(JSON.parse(output.at(-1) ?? "null"));
    },
  };
}

function failed(errors: readonly string[], cause?: unknown): OperationError {
  return new OperationError(
    "failed",
    { where: "load", what: `ended before it was stopped.\n${errors.join("\n")}\n`, next: "Read the lines above." },
    { cause },
  );
}
