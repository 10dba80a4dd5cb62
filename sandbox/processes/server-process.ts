import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { identify, isRunning, type ProcessIdentity } from "./process-table.ts";
import { send, stopProcess, type StopStep } from "./stop.ts";
import type { User } from "./unprivileged.ts";

export interface ServerCommand {
  /** What people call it. */
  readonly name: string;
  /** Holds the record of the running process; one server a folder. */
  readonly dir: string;
  readonly file: string;
  /** Never a secret: arguments are visible to every user of the machine. */
  readonly arguments: readonly string[];
  /** Written to stdin, which is then closed. The place for secrets. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user: User | undefined;
  /** Appended to: everything that the server writes. */
  readonly logFile: string;
  /** Asked again and again until it says yes; what it throws counts as no and is the last thing seen. */
  readonly ready: (pid: number) => Promise<boolean>;
  readonly readyWithinMs: number;
  /** How it is asked to end, mildest first. */
  readonly stop: readonly StopStep[];
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process is gone, however it ended. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Ends the process; returns when it is gone. May be called again. */
  close(): Promise<void>;
}

/** How a process ended; exactly one of the two is set. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The process ended before it was ready. `log` is what it wrote in this attempt. */
export class EarlyExitError extends Error {
  override readonly name = "EarlyExitError";
  readonly log: string;

  constructor(message: string, log: string) {
    super(`${message}\n${tail(log)}`);
    this.log = log;
  }
}

/**
 * Starts a server and waits until it is ready. What an earlier run left behind in the same folder (its starter was killed with -9) is ended first.
 * The server is recorded by number and start time, keeps running when its starter is killed with -9, and is told to end when its starter exits by
 * itself. Throws EarlyExitError, or an Error with the log's tail if it does not get ready in time.
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  await stopLeftover(command);
  const logOffset = await sizeOf(command.logFile);
  const log = openSync(command.logFile, "a", 0o600);
  const child = spawn(command.file, command.arguments, {
    ...command.user,
    // The current directory may be one that the server's user cannot enter.
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC", ...command.env },
    stdio: ["pipe", log, log],
    // A group of its own: Ctrl-C in a terminal is for us, and we end servers in order.
    detached: true,
  });
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new Error(`${command.name}: ${command.file} could not be started.`, { cause })),
    );
  });
  // An early death shows as its exit code; the broken pipe would only hide that.
  child.stdin?.on("error", () => undefined).end(command.input ?? "");
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command.name}: ${command.file} has no process number.`);
  let running = true;
  const endWithUs = () => {
    if (running) send(pid, command.stop[0]?.signal ?? "SIGTERM");
  };
  process.once("exit", endWithUs);
  const gone = exited.then(async (exit) => {
    running = false;
    process.off("exit", endWithUs);
    await rm(recordPath(command.dir), { force: true });
    return exit;
  });
  const server = { pid, exited: gone, close: () => close(pid, gone, command.stop, () => running) };
  const identity = await identify(pid);
  if (identity !== null) await writeFile(recordPath(command.dir), JSON.stringify(identity), { mode: 0o600 });
  try {
    await waitUntilReady(command, pid, () => running, logOffset);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

async function waitUntilReady(
  command: ServerCommand,
  pid: number,
  running: () => boolean,
  logOffset: number,
): Promise<void> {
  const deadline = Date.now() + command.readyWithinMs;
  let seen = "no answer";
  for (;;) {
    if (!running()) {
      throw new EarlyExitError(
        `${command.name} ended before it was ready:`,
        await logSince(command.logFile, logOffset),
      );
    }
    try {
      if (await command.ready(pid)) return;
    } catch (error) {
      seen = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > deadline) {
      const log = await logSince(command.logFile, logOffset);
      throw new Error(
        `${command.name} was not ready within ${command.readyWithinMs / 1000} s; last seen: ${seen}.\n${tail(log)}`,
      );
    }
    await pause(25);
  }
}

async function close(
  pid: number,
  gone: Promise<Exit>,
  steps: readonly StopStep[],
  running: () => boolean,
): Promise<void> {
  for (const { signal, withinMs } of steps) {
    if (!running()) break;
    send(pid, signal);
    const timer = new AbortController();
    await Promise.race([gone, pause(withinMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
  await gone;
}

async function stopLeftover(command: ServerCommand): Promise<void> {
  const text = await readFile(recordPath(command.dir), "utf8").catch(() => null);
  const recorded = text === null ? null : parseIdentity(text);
  if (recorded !== null && (await isRunning(recorded))) await stopProcess(recorded, command.stop);
}

/** A record that was cut off by a crash says nothing. */
function parseIdentity(text: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value) || !("startedAt" in value)) return null;
    const { pid, startedAt } = value;
    return typeof pid === "number" && typeof startedAt === "string" ? { pid, startedAt } : null;
  } catch {
    return null;
  }
}

function recordPath(dir: string): string {
  return join(dir, "server-process.json");
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function logSince(file: string, offset: number): Promise<string> {
  return (await readFile(file).catch(() => Buffer.alloc(0))).subarray(offset).toString("utf8");
}

function tail(log: string): string {
  return log.trimEnd().split("\n").slice(-15).join("\n");
}
