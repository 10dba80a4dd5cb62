import { z } from "zod";
import { table } from "../../operations/people/surroundings.ts";
import { isRunning } from "../processes/process-table.ts";
import { readRecord } from "../supervisor/record.ts";
import { madeBy } from "../docker/mark.ts";
import { addressOf, describeSandbox, type Runtime, type Sandbox } from "../supervisor/sandbox.ts";

/** How the sandbox is, as `sandbox status --json` prints it. */
export interface SandboxStatus {
  /** `killed`: its supervisor was killed with -9; `sandbox up` and `sandbox down` clean up after it. */
  readonly state: "down" | "starting" | "up" | "stopping" | "failed" | "killed";
  /** Since when its supervisor runs or ran, ISO 8601; null when it never was up. */
  readonly since: string | null;
  readonly pid: number | null;
  /** Why it failed, otherwise null. */
  readonly reason: string | null;
  readonly runtime: Runtime;
  /** The state folder. */
  readonly folder: string;
  readonly services: readonly ServiceStatus[];
  readonly containers: readonly ContainerStatus[];
}

interface ServiceStatus {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Whether the process is there and said that it is ready. */
  readonly ready: boolean;
  readonly log: string;
}

interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  /** Docker's word: running, exited, created. */
  readonly state: string;
  /** Docker's sentence, for example `Up 3 minutes (healthy)`. */
  readonly status: string;
  /** By network. */
  readonly addresses: Readonly<Record<string, string>>;
}

const Containers = z.array(
  z.object({
    Names: z.array(z.string()),
    Image: z.string(),
    State: z.string(),
    Status: z.string(),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  }),
);

/** Looks at the record, the process table and the container engine. Changes nothing. */
export async function sandboxStatus(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<SandboxStatus> {
  const sandbox = describeSandbox(env);
  const record = await readRecord(sandbox.folder);
  const place = { runtime: sandbox.runtime, folder: sandbox.folder };
  if (record === null)
    return { state: "down", since: null, pid: null, reason: null, ...place, services: [], containers: [] };
  const alive = await isRunning(record.process);
  const ended = record.state === "stopped" || record.state === "failed";
  const services = await Promise.all(
    record.services.map(async ({ name, url, log, process, ready }) => ({
      ...{ name, url, log, pid: process.pid },
      ready: ready && (await isRunning(process)),
    })),
  );
  // Without its supervisor a service stops by itself, at a moment that nobody knows.
  const engineAnswers =
    alive && record.state === "up" && services.some(({ name, ready }) => name === "containers" && ready);
  return {
    state: stateOf(record.state, alive, ended),
    since: record.since,
    pid: alive ? record.process.pid : null,
    reason: record.reason ?? null,
    ...place,
    services,
    containers: engineAnswers ? await containersOf(sandbox) : [],
  };
}

/** The status as people read it. */
export function describeStatus(status: SandboxStatus): string {
  const { state, since, pid, reason, services, containers, folder, runtime } = status;
  const head = {
    down: "The sandbox is down. Start it: ./affexai sandbox up",
    starting: `The sandbox is starting, since ${since} (process ${pid}).`,
    up: `The sandbox is up since ${since} (process ${pid}).`,
    stopping: `The sandbox is stopping (process ${pid}).`,
    failed: `The sandbox failed: ${reason}`,
    killed: "The supervisor was killed. ./affexai sandbox up or down cleans up after it.",
  }[state];
  const serviceRows = services.map(({ name, url, ready, log }) => [name, ready ? "ready" : "not ready", url, log]);
  const containerRows = containers.map((container) => [
    container.name,
    container.status,
    Object.values(container.addresses).join(" "),
    container.image,
  ]);
  return [
    head,
    `State folder: ${folder}${runtime === "docker" ? ", containers on Docker behind Traefik" : ""}`,
    ...(serviceRows.length === 0 ? [] : ["", table(serviceRows)]),
    ...(containerRows.length === 0 ? [] : ["", table(containerRows)]),
  ].join("\n");
}

function stateOf(recorded: SandboxStatus["state"] | "stopped", alive: boolean, ended: boolean): SandboxStatus["state"] {
  if (recorded === "stopped") return "down";
  return alive || ended ? recorded : "killed";
}

async function containersOf(sandbox: Sandbox): Promise<ContainerStatus[]> {
  const url = new URL("/containers/json?all=1", addressOf(sandbox, "containers"));
  if (sandbox.runtime === "docker") url.searchParams.set("filters", madeBy(sandbox.folder));
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return Containers.parse(await response.json()).map(({ Names, Image, State, Status, NetworkSettings }) => ({
    name: (Names[0] ?? "").replace(/^\//, ""),
    image: Image,
    state: State,
    status: Status,
    addresses: Object.fromEntries(
      Object.entries(NetworkSettings.Networks).map(([network, { IPAddress }]) => [network, IPAddress]),
    ),
  }));
}
