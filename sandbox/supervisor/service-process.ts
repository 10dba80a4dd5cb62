import { fork, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { z } from "zod";
import { identify, type ProcessIdentity } from "../processes/process-table.ts";

/** A service as the supervisor sees it: a program that is told its options on stdin and says when it is ready. */
export interface Service {
  readonly name: string;
  /** The services that have to be ready first. It is stopped before they are. */
  readonly after: readonly string[];
  /** Node's script and its arguments. */
  readonly program: readonly [string, ...string[]];
  /** Handed over as JSON through stdin. Holds secrets. */
  readonly options: unknown;
  /** Asked over HTTP once it says that it is ready: any answer will do. */
  readonly url: string;
  readonly log: string;
  /** How long it may take until it answers. Default: a minute. */
  readonly readyWithinMs?: number;
  /** Started again when it ends by itself, as Docker does with a container whose restart policy is `always`. */
  readonly restart?: boolean;
  /** Hears what it says for people while it starts. */
  readonly note?: (line: string) => void;
}

export interface ServiceProcess {
  readonly service: Service;
  readonly identity: ProcessIdentity;
  /** Resolves when the process is gone, with how it ended, for people. Never rejects. */
  readonly ended: Promise<string>;
  /** Resolves when it answers. Rejects, with the end of its log, when it ended or did not answer in time. */
  readonly ready: Promise<void>;
  /** Asks it to stop, and kills it when it does not. Returns when it is gone. */
  stop(): Promise<void>;
}

const defaultReadyWithinMs = 60_000;
/** Containers have grace periods of their own to run through. */
const stopWithinMs = 60_000;

const Ready = z.object({ ready: z.string() });
const Note = z.object({ note: z.string() });

/** Starts a service as a process. The one before the last start keeps its log as `<log>.previous`. */
export async function startService(service: Service): Promise<ServiceProcess> {
  const [script, ...args] = service.program;
  await rename(service.log, `${service.log}.previous`).catch(() => undefined);
  const log = openSync(service.log, "a", 0o600);
  const child = fork(script, args, { stdio: ["pipe", log, log, "ipc"], execArgv: [] });
  closeSync(log);
  // An early death shows as its exit code; the broken pipe would only hide that.
  child.stdin?.on("error", () => undefined).end(JSON.stringify(service.options));
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code ?? "unknown"}` : signal));
  });
  const identity = child.pid === undefined ? null : await identify(child.pid);
  if (identity === null) throw new Error(await failure(service, `ended at once: ${await ended}`));
  const ready = becomeReady(service, child, ended);
  // Whoever starts several waits for one after the other; a failure must not end the process before it is looked at.
  ready.catch(() => undefined);
  return { service, identity, ended, ready, stop: () => stop(child, ended) };
}

async function becomeReady(service: Service, child: ChildProcess, ended: Promise<string>): Promise<void> {
  const { readyWithinMs = defaultReadyWithinMs } = service;
  const deadline = AbortSignal.timeout(readyWithinMs);
  const said = new Promise<void>((resolve) => {
    child.on("message", (message) => {
      if (Ready.safeParse(message).success) resolve();
      const note = Note.safeParse(message).data?.note;
      if (note !== undefined) service.note?.(note);
    });
  });
  const late = new Promise<string>((resolve) =>
    deadline.addEventListener("abort", () => resolve("late"), { once: true }),
  );
  const seen = await Promise.race([said, ended, late]);
  if (seen === "late") throw new Error(await failure(service, `was not ready within ${readyWithinMs / 1000} s`));
  if (seen !== undefined) throw new Error(await failure(service, `ended before it was ready: ${seen}`));
  try {
    await (
      await fetch(service.url, { signal: AbortSignal.any([deadline, AbortSignal.timeout(10_000)]) })
    ).body?.cancel();
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new Error(await failure(service, `says it is ready, but ${service.url} does not answer: ${String(cause)}`));
  }
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.connected) child.send("stop", () => undefined);
  const insist = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
  await ended;
  clearTimeout(insist);
}

/** What happened, and the last lines of the log. */
async function failure({ name, log }: Service, what: string): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  const tail = text.trimEnd().split("\n").slice(-15).join("\n");
  return `${name} ${what}.${tail === "" ? "" : `\n${tail}`}\nIts log: ${log}`;
}
