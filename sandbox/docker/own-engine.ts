import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { OperationError } from "../../operations/error.ts";
import { commandOf, identify, isRunning, type ProcessIdentity } from "../processes/process-table.ts";
import { stopProcess } from "../processes/stop.ts";
import { run } from "../../operations/process.ts";
import { answers, type EngineAddress } from "./engine-address.ts";
import { shortMark } from "./mark.ts";
import { unmountBelow } from "./mounts.ts";

/** An engine that runs for one sandbox alone and keeps everything in its folder. */
export interface OwnEngine {
  readonly address: EngineAddress;
  /** Stops its containers, then itself. The next one on the folder starts those again that nobody had stopped. */
  stop(): Promise<void>;
}

const readyWithinMs = 60_000;

/**
 * Starts dockerd with its state in `dir`, or takes up the one that a kill -9 left there. It touches nothing of the machine's: no firewall rules, no
 * forwarding, no default bridge. Needs root and Debian's `docker.io` or another package with dockerd, containerd and runc.
 */
export async function startOwnEngine(dir: string): Promise<OwnEngine> {
  const runtime = runtimeFolder(dir);
  const socketPath = join(runtime, "docker.sock");
  const stop = () => stopOwnEngine(dir);
  const address = { socketPath };
  const left = await leftDaemon(runtime, "docker.pid", "dockerd");
  if (left !== null && (await answers(address))) return { address, stop };
  if (left !== null) await end(left, 45_000);
  // It believes a pid file whose process is a zombie, and waits for that one for ever. containerd dies with a killed dockerd.
  for (const [pidFile, program] of [
    ["docker.pid", "dockerd"],
    ["exec/containerd/containerd.pid", "containerd"],
  ] as const) {
    if ((await leftDaemon(runtime, pidFile, program)) === null) await rm(join(runtime, pidFile), { force: true });
  }
  await Promise.all([mkdir(dir, { recursive: true }), mkdir(runtime, { recursive: true, mode: 0o700 })]);
  const logFile = join(dir, "dockerd.log");
  const log = openSync(logFile, "w", 0o600);
  // A session of its own: it outlives a kill of this process, and is found again by its pid file.
  const child = spawn(
    "dockerd",
    [
      ...[`--data-root=${join(dir, "data")}`, `--exec-root=${join(runtime, "exec")}`],
      ...[`--pidfile=${join(runtime, "docker.pid")}`, `--host=unix://${socketPath}`],
      ...["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"],
      // Its containers may go on draining as long as Coolify would let them.
      "--shutdown-timeout=30",
    ],
    { detached: true, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code ?? "unknown"}`));
  });
  child.unref();
  const ready = await Promise.race([ended, untilItAnswers(address)]);
  if (ready === true) return { address, stop };
  await endDaemons(dir, runtime);
  throw new OperationError("failed", {
    where: "dockerd",
    what: `${ready === false ? `did not answer within ${readyWithinMs / 1000} s` : `could not run (${ready})`}.\n${await tail(logFile)}\n`,
    next: "Start an engine of this machine and name it in DOCKER_HOST, or use the process runtime: ./affexai sandbox up.",
  });
}

/** Ends the engine on a folder, whoever started it, and what a killed one has left. Does nothing when there is none. */
export async function stopOwnEngine(dir: string): Promise<void> {
  const runtime = runtimeFolder(dir);
  if (!(await exists(runtime))) return;
  // A killed one leaves its containers running: the next one takes them up when it starts, and ends them when it stops.
  if ((await leftDaemon(runtime, "docker.pid", "dockerd")) === null) await startOwnEngine(dir);
  await endDaemons(dir, runtime);
}

async function endDaemons(dir: string, runtime: string): Promise<void> {
  const dockerd = await leftDaemon(runtime, "docker.pid", "dockerd");
  // Longer than it gives the containers (--shutdown-timeout).
  if (dockerd !== null) await end(dockerd, 45_000);
  const containerd = await leftDaemon(runtime, "exec/containerd/containerd.pid", "containerd");
  if (containerd !== null) await end(containerd, 10_000);
  await Promise.all([unmountBelow(runtime), unmountBelow(dir)]);
  await removeBridge(bridgeOf(dir));
  await rm(runtime, { recursive: true, force: true });
}

/** The network interface of its network. An engine makes it when it starts and leaves it behind. At most 15 characters. */
export function bridgeOf(dir: string): string {
  return `afx-${shortMark(dir)}`;
}

async function removeBridge(name: string): Promise<void> {
  if (!(await exists(`/sys/class/net/${name}`))) return;
  await run({ file: "ip", arguments: ["link", "delete", name], timeoutMs: 10_000 });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Short, because sockets are made in it and their paths may not have more than 107 characters; gone after a reboot, as what is in it. */
function runtimeFolder(dir: string): string {
  return join("/run", `affexai-${shortMark(dir)}`);
}

async function untilItAnswers(address: EngineAddress): Promise<boolean> {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline) {
    if (await answers(address)) return true;
    await pause(100);
  }
  return false;
}

/** The process that a pid file names, unless its number belongs to another program by now. */
async function leftDaemon(runtime: string, pidFile: string, program: string): Promise<ProcessIdentity | null> {
  const pid = Number(await readFile(join(runtime, pidFile), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const command = await commandOf(pid);
  return command !== null && command.includes(program) && command.includes(runtime) ? identify(pid) : null;
}

async function end(daemon: ProcessIdentity, withinMs: number): Promise<void> {
  if (!(await isRunning(daemon))) return;
  await stopProcess(daemon, [
    { signal: "SIGTERM", withinMs },
    { signal: "SIGKILL", withinMs: 5000 },
  ]);
}

async function tail(logFile: string): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-8).join("\n");
}
