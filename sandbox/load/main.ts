import { once } from "node:events";
import { createInterface } from "node:readline";
import { OperationError, exitCodes } from "../../operations/error.ts";
import type { EventStreamOptions } from "./event-stream-spec.ts";
import { startEventStreams } from "./event-streams.ts";
import { startLoad } from "./load.ts";
import { startSockets } from "./sockets.ts";
import type { SocketOptions } from "./socket-spec.ts";
import type { LoadOptions } from "./spec.ts";

/**
 * The load in a process of its own, so that what measures is not what is measured: `node sandbox/load/main.ts
 * requests|sockets|event-streams` reads the options as one line of JSON on stdin, says `sending` on stderr, and sends until stdin ends (also because
 * whoever started it died) or SIGTERM or SIGINT comes. Then it prints the report as one line of JSON.
 */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  const ended = once(lines, "close");
  const line = await Promise.race([
    new Promise<string>((resolve) => lines.once("line", resolve)),
    ended.then(() => "null"),
  ]);
  const given: unknown = JSON.parse(line);
  const load = startKind(process.argv[2], given);
  process.stderr.write("sending\n");
  await Promise.race([ended, once(process, "SIGTERM"), once(process, "SIGINT")]);
  process.stdout.write(`${JSON.stringify(await load.stop())}\n`);
}

function startKind(kind: string | undefined, given: unknown) {
  if (kind === "sockets") return startSockets(given as SocketOptions);
  if (kind === "event-streams") return startEventStreams(given as EventStreamOptions);
  return startLoad(given as LoadOptions);
}

try {
  await main();
} catch (error) {
  const expected = error instanceof OperationError || error instanceof SyntaxError;
  process.stderr.write(`${error instanceof Error ? (expected ? error.message : error.stack) : String(error)}\n`);
  process.exitCode = error instanceof OperationError ? exitCodes[error.kind] : exitCodes.usage;
} finally {
  // An open stdin would keep the process.
  process.stdin.destroy();
}
