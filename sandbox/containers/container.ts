import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isRunning } from "../processes/process-table.ts";
import type { AddressPool } from "./addresses.ts";
import { mainCommand, type Surroundings } from "./command.ts";
import { DockerError } from "./docker-error.ts";
import type { EventLog } from "./events.ts";
import type { Health } from "./health.ts";
import { monitorHealth, type HealthMonitor } from "./health-monitor.ts";
import type { Image, ImageStore } from "./image-store.ts";
import { writeJson } from "./json-file.ts";
import { clearVolumeProcess } from "./native/leftover.ts";
import { probe } from "./probe.ts";
import type { ContainerRecord } from "./record.ts";
import { restartDelay } from "./restart-policy.ts";
import { parseSignal, signalNumber } from "./signals.ts";
import { adopt, findSupervised, signal, supervise, type Supervised } from "./supervisor.ts";

/** No process: what is adopted as this has ended already. */
const absent = { pid: 0, startedAt: "" };

/** What a container uses of its engine. */
export interface Engine {
  readonly images: ImageStore;
  readonly events: EventLog;
  readonly addresses: AddressPool;
  surroundings(container: ContainerRecord): Surroundings;
  /** Writes the hosts file anew. */
  publishNames(): Promise<void>;
  /** Forgets a container that removed itself. */
  forget(container: Container): Promise<void>;
}

const defaultStopSeconds = 10;
/** Before a container comes up again with its engine: an engine that is opened only to end everything starts nothing. */
const firstDelayMs = 100;

/** One container: its record, and its processes while it runs. Requests that change it wait for one another. */
export class Container {
  readonly record: ContainerRecord;
  readonly #engine: Engine;
  #supervised: Supervised | null = null;
  #monitor: HealthMonitor | null = null;
  #restart: { timer: NodeJS.Timeout; delayMs: number } | null = null;
  #lastDelayMs = 0;
  /** Set while the engine itself ends: what dies then is not started again. */
  #suspended = false;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #exitWaiters = new Set<(exitCode: number) => void>();

  constructor(record: ContainerRecord, engine: Engine) {
    this.record = record;
    this.#engine = engine;
  }

  get id(): string {
    return this.record.id;
  }

  get image(): Image {
    return this.#engine.images.get(this.record.imageId);
  }

  /** Docker's `Running`, which includes restarting. */
  get running(): boolean {
    return this.record.state.status === "running" || this.record.state.status === "restarting";
  }

  health(): Health | null {
    return this.#monitor?.current() ?? null;
  }

  /** Takes up what an earlier engine left: goes on with a process that still runs, or deals with its end. */
  async resume(): Promise<void> {
    const { state } = this.record;
    if (!this.running) return;
    const { directory } = this.#engine.surroundings(this.record);
    const known =
      state.process !== null && state.supervisor !== null && (await isRunning(state.supervisor))
        ? { process: state.process, supervisor: state.supervisor }
        : await findSupervised(directory);
    if (state.status === "running" && state.address === null) return this.#comeBack();
    if (state.status === "restarting" || known === null) {
      if (state.address !== null) this.#engine.addresses.claim(state.address);
      const ended = state.status === "restarting" ? state.exitCode : await adopt(directory, absent, absent).ended;
      await this.#exited(ended);
      return;
    }
    Object.assign(state, known);
    if (state.address !== null) this.#engine.addresses.claim(state.address);
    this.#attend(adopt(directory, known.process, known.supervisor));
    await this.save();
  }

  /** It went down with its engine (`suspend`), not by itself: Docker starts such containers anew, which does not count as a restart. */
  async #comeBack(): Promise<void> {
    const policy = this.record.hostConfig.RestartPolicy?.Name;
    const returns = policy === "always" || policy === "unless-stopped";
    this.record.state.status = returns ? "restarting" : "exited";
    await this.save();
    if (returns) this.#restartAfter(firstDelayMs, 0);
  }

  /** 304 if it runs. */
  start(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.running) throw new DockerError(304, "container already started");
      this.record.state.restartCount = 0;
      this.#lastDelayMs = 0;
      await this.#run();
    });
  }

  /** 304 if it does not run. */
  stop(seconds: number | undefined, name?: NodeJS.Signals): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.running) throw new DockerError(304, "container already stopped");
      await this.#stop(seconds, name);
    });
  }

  restart(seconds: number | undefined): Promise<void> {
    return this.#exclusively(async () => {
      if (this.running) await this.#stop(seconds);
      this.record.state.restartCount = 0;
      this.#lastDelayMs = 0;
      await this.#run();
      this.emit("restart");
    });
  }

  /** Sends a signal and, after SIGKILL, waits until the container is gone. 409 if it does not run. */
  async kill(name: NodeJS.Signals): Promise<void> {
    if (!this.running || this.#supervised === null) {
      throw new DockerError(409, `cannot kill container: ${this.id}: container ${this.id} is not running`);
    }
    this.record.state.stoppedByRequest = true;
    const gone = this.exit();
    this.#signal(this.#supervised, name);
    if (name === "SIGKILL") await gone;
  }

  /** Ends it without marking it as stopped, as a shutdown of the Docker service does: the next engine starts it again if its policy says so. */
  suspend(): Promise<void> {
    return this.#exclusively(async () => {
      this.#suspended = true;
      this.#cancelRestart();
      if (this.record.state.status === "running") await this.#end(undefined);
    });
  }

  /** Lets go without touching the processes. */
  detach(): void {
    this.#suspended = true;
    this.#cancelRestart();
    this.#monitor?.close();
    this.#supervised = null;
  }

  /** Removes it with its files. 409 while it runs, unless `force`. */
  remove(force: boolean): Promise<void> {
    return this.#exclusively(async () => {
      if (this.running) {
        if (!force) {
          const problem = "container is running: stop the container before removing or force remove";
          throw new DockerError(409, `cannot remove container "/${this.record.name}": ${problem}`);
        }
        this.record.state.stoppedByRequest = true;
        this.#cancelRestart();
        await this.#kill();
      }
      await rm(this.#engine.surroundings(this.record).directory, { recursive: true, force: true });
      this.emit("destroy");
    });
  }

  /** Resolves with the exit code when it next exits. */
  exit(): Promise<number> {
    return new Promise((resolve) => this.#exitWaiters.add(resolve));
  }

  async save(): Promise<void> {
    const { directory } = this.#engine.surroundings(this.record);
    await mkdir(directory, { recursive: true });
    await writeJson(join(directory, "container.json"), this.record);
  }

  emit(action: string, attributes: Readonly<Record<string, string>> = {}): void {
    const { id, image, name, config } = this.record;
    this.#engine.events.emit("container", action, id, { ...config.Labels, ...attributes, image, name });
  }

  async #run(): Promise<void> {
    const { record } = this;
    const { state } = record;
    const around = this.#engine.surroundings(record);
    const address = this.#engine.addresses.take();
    Object.assign(state, {
      status: "running",
      address,
      process: null,
      supervisor: null,
      stoppedByRequest: false,
      error: "",
    });
    Object.assign(state, { startedAt: new Date().toISOString(), finishedAt: null, exitCode: 0 });
    try {
      const command = await mainCommand(record, this.image, around);
      // Recorded before the process exists: an engine that dies in between finds it by the supervisor's own record.
      await this.save();
      await this.#engine.publishNames();
      const supervised = await supervise(command, around.directory);
      Object.assign(state, { process: supervised.process, supervisor: supervised.supervisor });
      await this.save();
      this.#attend(supervised);
      this.emit("start");
    } catch (error) {
      this.#engine.addresses.give(address);
      const message = error instanceof Error ? error.message : String(error);
      Object.assign(state, { status: "created", address: null, startedAt: null, exitCode: 127, error: message });
      await this.save();
      await this.#engine.publishNames();
      throw error;
    }
  }

  #attend(supervised: Supervised): void {
    this.#supervised = supervised;
    const startedAt = Date.parse(this.record.state.startedAt ?? "");
    this.#monitor = monitorHealth(
      this.record.config.Healthcheck,
      startedAt,
      (timeoutMs, ended) => probe(this.record, this.image, this.#engine.surroundings(this.record), timeoutMs, ended),
      (status) => this.emit(`health_status: ${status}`),
    );
    void supervised.ended.then((exitCode) => {
      if (this.#supervised === supervised) return this.#exited(exitCode);
    });
  }

  async #exited(exitCode: number): Promise<void> {
    const { record } = this;
    const { state } = record;
    this.#supervised = null;
    this.#monitor?.close();
    if (state.address !== null) this.#engine.addresses.give(state.address);
    const ranForMs = Date.now() - Date.parse(state.startedAt ?? new Date().toISOString());
    await clearVolumeProcess(this.#engine.surroundings(record).volume);
    const delayMs = this.#suspended
      ? null
      : restartDelay(record.hostConfig.RestartPolicy, {
          exitCode,
          ranForMs,
          stoppedByRequest: state.stoppedByRequest,
          restartCount: state.restartCount,
          lastDelayMs: this.#lastDelayMs,
        });
    // A container that goes down with its engine stays "running" on disk: that is what the next engine goes by.
    const status = delayMs !== null ? "restarting" : this.#suspended && !state.stoppedByRequest ? "running" : "exited";
    Object.assign(state, { status, address: null, exitCode, finishedAt: new Date().toISOString() });
    await this.save();
    await this.#engine.publishNames();
    this.emit("die", { exitCode: `${exitCode}`, execDuration: `${Math.floor(ranForMs / 1000)}` });
    for (const resolve of this.#exitWaiters) resolve(exitCode);
    this.#exitWaiters.clear();
    if (delayMs !== null) this.#restartAfter(delayMs, 1);
    else if (record.hostConfig.AutoRemove === true && !this.#suspended) await this.#engine.forget(this);
  }

  #restartAfter(delayMs: number, counted: 0 | 1): void {
    this.#lastDelayMs = counted === 0 ? 0 : delayMs;
    const again = () =>
      this.#exclusively(async () => {
        if (this.#restart === null) return;
        this.#restart = null;
        this.record.state.restartCount += counted;
        // A command that cannot be started any more has said why in the container's state.
        await this.#run().catch(() => undefined);
      });
    this.#restart = { timer: setTimeout(() => void again(), delayMs), delayMs };
  }

  #cancelRestart(): void {
    if (this.#restart === null) return;
    clearTimeout(this.#restart.timer);
    this.#restart = null;
  }

  async #stop(seconds: number | undefined, name?: NodeJS.Signals): Promise<void> {
    this.record.state.stoppedByRequest = true;
    if (this.record.state.status === "restarting") {
      this.#cancelRestart();
      this.record.state.status = "exited";
      await this.save();
    } else {
      await this.#end(seconds, name);
    }
    this.emit("stop");
  }

  /** The stop signal, the grace period, then SIGKILL. A negative grace period has no end. */
  async #end(seconds: number | undefined, name?: NodeJS.Signals): Promise<void> {
    if (this.#supervised === null) return;
    const { StopSignal, StopTimeout } = this.record.config;
    const grace = seconds ?? StopTimeout ?? defaultStopSeconds;
    const gone = this.exit();
    this.#signal(
      this.#supervised,
      name ?? parseSignal(StopSignal === undefined || StopSignal === "" ? "SIGTERM" : StopSignal),
    );
    const timer = new AbortController();
    const limit = grace < 0 ? gone : pause(grace * 1000, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([gone, limit]);
    timer.abort();
    if (this.#supervised !== null) await this.#kill();
  }

  async #kill(): Promise<void> {
    if (this.#supervised === null) return;
    const gone = this.exit();
    this.#signal(this.#supervised, "SIGKILL");
    await gone;
  }

  #signal(supervised: Supervised, name: NodeJS.Signals): void {
    signal(supervised, name);
    this.emit("kill", { signal: `${signalNumber(name)}` });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
