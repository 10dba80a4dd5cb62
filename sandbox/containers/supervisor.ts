import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { commandOf, identify, isRunning, type ProcessIdentity } from "../processes/process-table.ts";
import { send } from "../processes/stop.ts";
import type { HostCommand } from "./command.ts";

const script = fileURLToPath(new URL("./supervise.sh", import.meta.url));
const startWithinMs = 20_000;
const watchEveryMs = 100;

/** A container's processes: its first one, and the supervisor that waits for it. Both outlive the engine. */
export interface Supervised {
  readonly process: ProcessIdentity;
  readonly supervisor: ProcessIdentity;
  /** Resolves with the exit code, 128 + n after signal n, once the container's processes are gone. Never rejects. */
  readonly ended: Promise<number>;
}

/** Where a container's output goes, both streams in the order in which they were written. */
export function logFile(directory: string): string {
  return join(directory, "output.log");
}

/** Starts a command under a supervisor of its own, in a process group of its own. `directory` holds the exit code and the output. */
export async function supervise(command: HostCommand, directory: string): Promise<Supervised> {
  await mkdir(directory, { recursive: true });
  await Promise.all(["pids", "exit"].map((name) => rm(join(directory, name), { force: true })));
  const log = openSync(logFile(directory), "a", 0o600);
  const child = spawn("/bin/sh", [script, directory, command.file, ...command.arguments], {
    cwd: command.cwd,
    env: command.env,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const supervisor = child.pid === undefined ? null : await identify(child.pid);
  child.unref();
  const process = supervisor === null ? null : await firstProcess(directory, supervisor);
  if (supervisor === null || process === null) {
    // It has ended already: its exit code is there, or it could not even be started.
    const code = await exitCode(directory);
    const none = { pid: child.pid ?? 0, startedAt: "" };
    return { process: none, supervisor: none, ended: Promise.resolve(code) };
  }
  return { process, supervisor, ended: gone.then(() => ending(directory, process, supervisor)) };
}

/** Watches processes that an earlier engine started. */
export function adopt(directory: string, process: ProcessIdentity, supervisor: ProcessIdentity): Supervised {
  const ended = (async () => {
    while (await isRunning(supervisor)) await pause(watchEveryMs, undefined, { ref: false });
    return ending(directory, process, supervisor);
  })();
  return { process, supervisor, ended };
}

/** What a supervisor that an earlier engine started, but did not live to record, says of itself. Null when it is gone. */
export async function findSupervised(
  directory: string,
): Promise<{ process: ProcessIdentity; supervisor: ProcessIdentity } | null> {
  const pids = await recordedPids(directory);
  if (pids === null) return null;
  const [process, supervisor, command] = await Promise.all([
    identify(pids.process),
    identify(pids.supervisor),
    commandOf(pids.supervisor),
  ]);
  const ours = command !== null && command.includes(directory);
  return process !== null && supervisor !== null && ours ? { process, supervisor } : null;
}

/** Sends a signal to the container's first process. SIGKILL goes to all of its processes, as it ends them all. */
export function signal({ process, supervisor }: Supervised, name: NodeJS.Signals): void {
  if (supervisor.pid === 0) return;
  send(name === "SIGKILL" ? -supervisor.pid : process.pid, name);
}

async function firstProcess(directory: string, supervisor: ProcessIdentity): Promise<ProcessIdentity | null> {
  const deadline = Date.now() + startWithinMs;
  while (Date.now() < deadline) {
    const pids = await recordedPids(directory);
    if (pids !== null) return identify(pids.process);
    if (!(await isRunning(supervisor))) return null;
    await pause(5);
  }
  throw new Error(`The supervisor ${supervisor.pid} did not start its process within ${startWithinMs / 1000} s.`);
}

async function recordedPids(directory: string): Promise<{ supervisor: number; process: number } | null> {
  const text = await readFile(join(directory, "pids"), "utf8").catch(() => "");
  const [supervisor, process] = text.trim().split(" ").map(Number);
  return supervisor === undefined || process === undefined || supervisor === 0 ? null : { supervisor, process };
}

/** The supervisor is gone. If somebody killed it alone, its container goes the same way. */
async function ending(directory: string, process: ProcessIdentity, supervisor: ProcessIdentity): Promise<number> {
  if (await isRunning(process)) send(-supervisor.pid, "SIGKILL");
  while (await isRunning(process)) await pause(5);
  return exitCode(directory);
}

/** Without a record of it, the supervisor was killed with its process. */
async function exitCode(directory: string): Promise<number> {
  const text = await readFile(join(directory, "exit"), "utf8").catch(() => "");
  return text === "" ? 137 : Number(text);
}
