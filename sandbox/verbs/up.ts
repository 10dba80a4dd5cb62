import { fork, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../../operations/error.ts";
import type { Progress } from "../../operations/progress.ts";
import { run } from "../../operations/process.ts";
import type { Context } from "../../operations/verb.ts";
import { installProviders } from "../providers/install.ts";
import { provideDocker } from "../setup/docker.ts";
import { root } from "../setup/paths.ts";
import { provideCredentials } from "../supervisor/credentials.ts";
import { checkMachine } from "../supervisor/preflight.ts";
import { alreadyRunning, readRecord, runningSupervisor, stopLeftovers } from "../supervisor/record.ts";
import {
  describeSandbox,
  givenDockerHost,
  recordedRuntime,
  runtimeFile,
  type Runtime,
  type Sandbox,
} from "../supervisor/sandbox.ts";
import { writeStackFile } from "../supervisor/stack-file.ts";
import { sandboxDown } from "./down.ts";
import { sandboxEnvironment } from "./environment.ts";
import { sandboxStatus, type SandboxStatus } from "./status.ts";

const Event = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("note"), service: z.string(), line: z.string() }),
  z.object({ kind: z.literal("ready"), service: z.string(), url: z.string() }),
  z.object({ kind: z.literal("up") }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

export interface UpOptions {
  /** What containers are. Default: what the state folder was made with, else processes. */
  readonly runtime?: Runtime | undefined;
}

/**
 * Brings the sandbox up and leaves it running, or says since when it runs. Cleans up after a supervisor that was killed with -9. Refuses, before
 * anything is started, when a port is taken, the disk is full or a server is missing. Cut off half-way (Ctrl-C), or failed, it leaves nothing running.
 */
export async function sandboxUp(
  { env, progress, signal }: Context,
  { runtime }: UpOptions = {},
): Promise<SandboxStatus> {
  const { folder } = describeSandbox(env);
  refuseOtherRuntime(folder, runtime);
  const sandbox = { ...describeSandbox(env), ...(runtime === undefined ? {} : { runtime }) };
  const other = await runningSupervisor(sandbox.folder);
  if (other?.state === "up") {
    progress.note(`It is up already, since ${other.since} (process ${other.process.pid}).`);
    return sandboxStatus(env);
  }
  if (other !== null) throw alreadyRunning(sandbox.folder, other);
  await progress.step("check the machine", async (step) => {
    const record = await readRecord(sandbox.folder);
    const stopped = record === null ? [] : await stopLeftovers(record);
    if (stopped.length > 0) step.note(`Stopped what a killed supervisor had left running: ${stopped.join(", ")}.`);
    await checkMachine(sandbox);
  });
  if (sandbox.runtime === "docker") {
    const dockerHost = givenDockerHost(sandbox, env);
    await progress.step("find a Docker engine", (step) =>
      provideDocker(dockerHost, sandbox.logs, (line) => step.note(line)),
    );
  }
  await writeFile(runtimeFile(sandbox.folder), `${sandbox.runtime}\n`);
  await provideCredentials(sandbox.folder);
  await Promise.all([
    mkdir(sandbox.pulumiState, { recursive: true }),
    installProviders(sandbox.pulumiHome),
    writeStackFile(sandbox),
  ]);
  await progress.step("start the services", (step) => startSupervisor(sandbox, { env, signal, progress: step }));
  try {
    await progress.step("make the stack", () => makeStack(sandbox, env, signal));
  } catch (error) {
    await sandboxDown({ env, progress, signal: new AbortController().signal });
    throw error;
  }
  return sandboxStatus(env);
}

function refuseOtherRuntime(folder: string, wanted: Runtime | undefined): void {
  const recorded = recordedRuntime(folder);
  if (wanted === undefined || recorded === null || recorded === wanted) return;
  throw new OperationError("refused", {
    where: "sandbox up",
    what: `${folder} belongs to the runtime ${recorded}: what was deployed there does not run on ${wanted}.`,
    next: `Leave --runtime out, or give this one a folder of its own: AFFEXAI_SANDBOX_DIR=.sandbox/${wanted}.`,
  });
}

async function startSupervisor(sandbox: Sandbox, { env, signal, progress }: Context): Promise<void> {
  await mkdir(sandbox.logs, { recursive: true });
  const logFile = join(sandbox.logs, "supervisor.log");
  const log = openSync(logFile, "a", 0o600);
  const child = fork(join(root, "sandbox", "supervisor", "main.ts"), {
    // It outlives this process, and Ctrl-C in this terminal is no concern of its.
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    execArgv: [],
    env: { ...env, DOCKER_HOST: givenDockerHost(sandbox, env) },
  });
  closeSync(log);
  const abort = () => child.kill("SIGTERM");
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) abort();
    await allReady(child, progress, logFile);
  } finally {
    signal.removeEventListener("abort", abort);
  }
  child.disconnect();
  child.unref();
}

async function allReady(child: ChildProcess, progress: Progress, logFile: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let reason: string | undefined;
  child.on("message", (message) => {
    const event = Event.safeParse(message).data;
    if (event?.kind === "note") progress.note(event.line);
    if (event?.kind === "ready") progress.note(`${event.service} answers at ${event.url}`);
    if (event?.kind === "failed") reason = event.reason;
    if (event?.kind === "up") resolve();
  });
  child.once("error", reject);
  // By then it has stopped what it had started.
  child.once("exit", (code, signal) => {
    reject(
      new OperationError("failed", {
        where: "sandbox up",
        what:
          reason ?? `the supervisor ended (${signal ?? `exit code ${code ?? "unknown"}`}); nothing is left running.`,
        next: reason === undefined ? `Read ${logFile}, then run it again.` : "Correct that, then run it again.",
      }),
    );
  });
  await promise;
}

/** Makes the stack in the sandbox's own backend, so that plain `pulumi preview --stack sandbox` works. */
async function makeStack(sandbox: Sandbox, env: Context["env"], signal: AbortSignal): Promise<void> {
  const file = join(sandbox.pulumiState, ".pulumi", "stacks", "affexai", "sandbox.json");
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return;
  await run({
    file: "pulumi",
    arguments: ["stack", "init", "sandbox", "--non-interactive", "--no-select"],
    cwd: root,
    env: await sandboxEnvironment(env),
    timeoutMs: 60_000,
    signal,
  });
}
