import { execa, type ResultPromise } from "execa";
import { OperationError } from "./error.ts";

export interface Command {
  /** The executable's name, looked up on PATH, or its path. */
  readonly file: string;
  /** One item an argument; never a secret, since arguments are visible to every user of the machine. */
  readonly arguments: readonly string[];
  /** Added to the inherited environment. The place for secrets. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to stdin, which is then closed. */
  readonly input?: string;
  /** The process is sent SIGTERM after this long, and SIGKILL `graceMs` later. */
  readonly timeoutMs: number;
  /** Sends SIGTERM too. */
  readonly signal?: AbortSignal;
  /** From SIGTERM to SIGKILL. Default 5000. */
  readonly graceMs?: number;
  /** Alone in a process group, so that a terminal's Ctrl-C reaches it once: as the SIGTERM of `signal`. */
  readonly ownGroup?: boolean;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A running child whose streams the caller reads. It must await the promise: that is where a failure surfaces. */
export type Child = ResultPromise<{ buffer: false; stdin: "pipe"; stdout: "pipe"; stderr: "pipe" }>;

/** Starts a child without a shell and leaves its streams to the caller. Nothing in this repository's operations spawns in another way. */
export function start(command: Command): Child {
  return execa(command.file, command.arguments, {
    ...options(command),
    buffer: false,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/**
 * Runs a child to its end and returns what it wrote, at most 32 MiB a stream.
 * Throws an OperationError that names the executable (not its arguments), how it ended, and the tail of its stderr.
 */
export async function run(command: Command): Promise<Output> {
  const result = await execa(command.file, command.arguments, {
    ...options(command),
    ...(command.input === undefined ? { stdin: "ignore" as const } : { input: command.input }),
    maxBuffer: 32 * 1024 * 1024,
    reject: false,
  });
  if (!result.failed) return { stdout: result.stdout, stderr: result.stderr };
  throw new OperationError(result.code === "ENOENT" ? "refused" : result.isCanceled ? "stopped" : "failed", {
    where: command.file,
    what: `${ending(result, command)}${tail(result.stderr)}`,
    next:
      result.code === "ENOENT"
        ? `Install ${command.file} or put it on PATH.`
        : "Read the lines above; the same command can be run again.",
  });
}

function options(command: Command) {
  return {
    env: { ...command.env },
    cwd: command.cwd,
    timeout: command.timeoutMs,
    forceKillAfterDelay: command.graceMs ?? 5000,
    detached: command.ownGroup ?? false,
    cancelSignal: command.signal,
    stripFinalNewline: true,
  } as const;
}

function ending(
  result: { code?: string; exitCode?: number; signal?: string; timedOut: boolean; isCanceled: boolean },
  command: Command,
): string {
  if (result.code === "ENOENT") return "was not found.";
  if (result.timedOut) return `did not end within ${command.timeoutMs / 1000} s and was stopped.`;
  if (result.isCanceled) return "was stopped because the run was cancelled.";
  if (result.signal !== undefined) return `was ended by ${result.signal}.`;
  return `ended with exit code ${result.exitCode ?? "unknown"}.`;
}

function tail(stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-12).join("\n");
  return lines === "" ? "" : `\n${lines}\n`;
}
