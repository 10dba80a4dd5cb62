import { json } from "node:stream/consumers";
import type { Service } from "../../../sandbox/supervisor/service-process.ts";
import { supervise } from "../../../sandbox/supervisor/supervise.ts";

// A supervisor to be killed: takes its folder and services as JSON on stdin, and tells its parent everything.
const { folder, services } = (await json(process.stdin)) as { folder: string; services: Service[] };
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
await supervise({ folder, services, signal: stop.signal, tell: (event) => process.send?.(event) });
process.disconnect();
