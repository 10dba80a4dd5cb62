import { identify } from "../processes/process-table.ts";
import { claimRecord, writeRecord, type ServiceRecord, type SupervisorRecord } from "./record.ts";
import { startService, type Service, type ServiceProcess } from "./service-process.ts";

/** What a supervisor tells whoever started it. */
export type SupervisorEvent =
  | { readonly kind: "note"; readonly service: string; readonly line: string }
  | { readonly kind: "ready"; readonly service: string; readonly url: string }
  | { readonly kind: "restarting"; readonly service: string; readonly reason: string }
  | { readonly kind: "up" }
  | { readonly kind: "failed"; readonly reason: string };

export interface Supervision {
  readonly services: readonly Service[];
  /** The state folder: the record goes there. */
  readonly folder: string;
  /** Aborted to stop everything. */
  readonly signal: AbortSignal;
  readonly tell: (event: SupervisorEvent) => void;
}

/**
 * Starts the services, each when those it comes after are ready, keeps them until `signal` is aborted, and stops them in the opposite order. When a
 * service cannot start or ends by itself, all are stopped: half a platform gives wrong answers. One with `restart` is started again instead.
 * Returns whether it ended as asked.
 */
export async function supervise({ services, folder, signal, tell }: Supervision): Promise<boolean> {
  const own = await identify(process.pid);
  if (own === null) throw new Error("The supervisor cannot see itself in the process table.");
  const order = waves(services);
  const since = new Date().toISOString();
  const running = new Map<string, ServiceProcess>();
  const ready = new Set<string>();
  let state: SupervisorRecord["state"] = "starting";
  let written = claimRecord(folder, { process: own, since, state, services: [] });
  await written;
  const write = (reason?: string) => {
    const record = { process: own, since, state, reason, services: recordsOf(running, ready) };
    return (written = written.then(() => writeRecord(folder, record)));
  };

  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const stopAsked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const starts = new Map<string, Promise<void>>();
  const start = async (service: Service): Promise<void> => {
    await Promise.all(service.after.flatMap((name) => starts.get(name) ?? []));
    if (state !== "starting") return;
    await run(service);
  };
  const run = async (service: Service): Promise<void> => {
    const started = await startService({
      ...service,
      note: (line) => tell({ kind: "note", service: service.name, line }),
    });
    running.set(service.name, started);
    await write();
    await started.ready;
    void started.ended.then((how) => ended(service, how));
    ready.add(service.name);
    await write();
    tell({ kind: "ready", service: service.name, url: service.url });
  };
  const ended = (service: Service, how: string): void => {
    if (state !== "starting" && state !== "up") return;
    if (service.restart !== true) {
      broken.reject(new Error(`${service.name} ended by itself: ${how}. Its log: ${service.log}`));
      return;
    }
    ready.delete(service.name);
    tell({ kind: "restarting", service: service.name, reason: how });
    const again = run(service);
    again.catch(broken.reject);
    starts.set(service.name, again);
  };

  let reason: string | undefined;
  try {
    for (const service of order.flat()) starts.set(service.name, start(service));
    await Promise.race([Promise.all([...starts.values()]), broken.promise, stopAsked]);
    if (!signal.aborted) {
      state = "up";
      await write();
      tell({ kind: "up" });
      await Promise.race([broken.promise, stopAsked]);
    }
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  state = "stopping";
  await write(reason);
  for (const wave of order.toReversed()) {
    await Promise.all(wave.flatMap(({ name }) => running.get(name)?.stop() ?? []));
  }
  // A service that was just being spawned became known meanwhile.
  await Promise.allSettled([...starts.values()]);
  await Promise.all([...running.values()].map((service) => service.stop()));
  running.clear();
  state = reason === undefined ? "stopped" : "failed";
  await write(reason);
  if (reason !== undefined) tell({ kind: "failed", reason });
  return reason === undefined;
}

function recordsOf(running: ReadonlyMap<string, ServiceProcess>, ready: ReadonlySet<string>): ServiceRecord[] {
  return [...running.values()].map(({ service: { name, url, log }, identity }) => ({
    name,
    url,
    log,
    process: identity,
    ready: ready.has(name),
  }));
}

/** Groups in which each service comes after all those it waits for. Throws on a circle or an unknown name. */
export function waves(services: readonly Service[]): Service[][] {
  const placed = new Set<string>();
  const result: Service[][] = [];
  let left = [...services];
  while (left.length > 0) {
    const wave = left.filter(({ after }) => after.every((name) => placed.has(name)));
    if (wave.length === 0) {
      const names = left.map(({ name }) => name).join(", ");
      throw new Error(`These services wait for each other or for unknown ones: ${names}.`);
    }
    for (const { name } of wave) placed.add(name);
    left = left.filter(({ name }) => !placed.has(name));
    result.push(wave);
  }
  return result;
}
