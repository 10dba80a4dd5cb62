import { once } from "node:events";
import { totalmem } from "node:os";
import type { ContainerEngine } from "../engine.ts";
import type { EngineEvent } from "../events.ts";
import { eventMatches, parseFilters } from "../filters.ts";
import type { Call, Route } from "../router.ts";

/** The API that this speaks; Docker 27.3's. The oldest that Docker itself still takes there is 1.24. */
export const apiVersion = "1.47";
export const oldestApiVersion = "1.24";

export function systemRoutes(engine: ContainerEngine): readonly Route[] {
  return [
    [
      "GET",
      "/_ping",
      async ({ response }) => {
        response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" }).end("OK");
        return undefined;
      },
    ],
    ["GET", "/version", async () => ({ status: 200, json: version() })],
    ["GET", "/info", async () => ({ status: 200, json: info(engine) })],
    ["GET", "/events", (call) => streamEvents(engine, call)],
  ];
}

function version(): object {
  return {
    Platform: { Name: "Affexai sandbox: containers as processes" },
    Version: "27.3.1",
    ApiVersion: apiVersion,
    MinAPIVersion: oldestApiVersion,
    Os: "linux",
    Arch: process.arch === "x64" ? "amd64" : process.arch,
    KernelVersion: process.version,
    GitCommit: "",
    GoVersion: "",
    BuildTime: "",
    Components: [],
  };
}

function info(engine: ContainerEngine): object {
  const containers = engine.all();
  const running = containers.filter((container) => container.running).length;
  return {
    ID: engine.id,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: 0,
    ContainersStopped: containers.length - running,
    Images: engine.images.all().length,
    Driver: "processes",
    ServerVersion: "27.3.1",
    OperatingSystem: "Affexai sandbox",
    OSType: "linux",
    Architecture: process.arch,
    NCPU: navigator.hardwareConcurrency,
    MemTotal: totalmem(),
    LiveRestoreEnabled: true,
    Swarm: { LocalNodeState: "inactive" },
    SecurityOptions: [],
    Warnings: [],
  };
}

/** Past events from `since` on, then what comes, until `until` or until the client leaves. */
async function streamEvents(engine: ContainerEngine, { query, request, response }: Call): Promise<undefined> {
  const filters = parseFilters(query.get("filters"));
  // Refuses an unknown filter before the answer begins.
  eventMatches(
    { Type: "container", Action: "", Actor: { ID: "", Attributes: {} }, scope: "local", time: 0, timeNano: 0 },
    filters,
  );
  const since = query.get("since");
  const until = query.get("until");
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const write = (event: EngineEvent) =>
    void (eventMatches(event, filters) && response.write(`${JSON.stringify(event)}\n`));
  const unsubscribe = engine.events.subscribe(write);
  for (const event of since === null || since === "" ? [] : engine.events.since(Number(since))) write(event);
  const timer =
    until === null || until === ""
      ? undefined
      : setTimeout(() => response.end(), Math.max(0, Number(until) * 1000 - Date.now()));
  request.resume();
  await once(response, "close");
  clearTimeout(timer);
  unsubscribe();
  return undefined;
}
