import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { provideCredentials } from "./credentials.ts";
import { addressOf, describeSandbox } from "./sandbox.ts";
import type { Service } from "./service-process.ts";
import { services } from "./services.ts";
import { supervise, type SupervisorEvent } from "./supervise.ts";

// The sandbox's supervisor, a process of its own that outlives `sandbox up`. It tells its parent how the start goes, and stops when it is asked by
// SIGTERM or SIGINT, or when the parent goes away before everything is up.

const stop = new AbortController();
let up = false;
process.on("SIGTERM", () => stop.abort()).on("SIGINT", () => stop.abort());
process.once("disconnect", () => {
  if (!up) stop.abort();
});

const sandbox = describeSandbox(process.env);
const credentials = await provideCredentials(sandbox.folder);
await mkdir(sandbox.logs, { recursive: true });
const planned = services.map((definition): Service => ({
  name: definition.name,
  after: definition.after,
  restart: definition.restart,
  program: [join(import.meta.dirname, "..", "service.ts"), definition.name],
  options: definition.options(sandbox, credentials),
  url: addressOf(sandbox, definition.name),
  log: join(sandbox.logs, `${definition.name}.log`),
  // Base images may have to be pulled.
  readyWithinMs: sandbox.runtime === "docker" && definition.name === "containers" ? 15 * 60_000 : 60_000,
}));
try {
  const endedAsAsked = await supervise({ services: planned, folder: sandbox.folder, signal: stop.signal, tell });
  process.exitCode = endedAsAsked ? 0 : 1;
} catch (error) {
  // Another supervisor on the folder; anything else keeps its stack in the log.
  if (!(error instanceof OperationError)) throw error;
  tell({ kind: "failed", reason: error.message });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();

function tell(event: SupervisorEvent): void {
  if (event.kind === "up") up = true;
  process.stdout.write(`${new Date().toISOString()} ${JSON.stringify(event)}\n`);
  if (process.connected) process.send?.(event, () => undefined);
}
