import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Something that set-up could not do. `next` is the command or action that would. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  readonly next: string;

  constructor(what: string, next: string, options?: { cause?: unknown }) {
    super(what, options);
    this.next = next;
  }
}

/** One line for people on stderr; stdout belongs to the verb that follows. */
export function say(line: string): void {
  process.stderr.write(`affexai: ${line}\n`);
}

export interface LoggedCommand {
  readonly command: readonly string[];
  /** Everything it writes is appended here. */
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Stop what it started too when its time is over. Such a command has no terminal: not for `sudo`, which may ask for a password there.
   */
  readonly wholeGroup?: boolean;
}

/** Runs a command and returns whether it succeeded within its time. */
export async function runLogged(options: LoggedCommand): Promise<boolean> {
  const [file, ...args] = options.command;
  if (file === undefined) throw new Error("An empty command was given.");
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, "a");
  const wholeGroup = options.wholeGroup ?? false;
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    stdio: [wholeGroup ? "ignore" : "inherit", log, log],
    detached: wholeGroup,
  });
  closeSync(log);
  const stop = () => {
    if (child.pid === undefined || child.exitCode !== null) return;
    if (wholeGroup) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGTERM");
  };
  const timer = setTimeout(stop, options.timeoutMs);
  process.once("exit", stop);
  try {
    return await new Promise<boolean>((resolve) => {
      child.once("error", () => resolve(false));
      child.once("exit", (code) => resolve(code === 0));
    });
  } finally {
    clearTimeout(timer);
    process.off("exit", stop);
  }
}

/** The last lines of a log, for the message that says it failed. */
export async function logTail(logFile: string, lines = 8): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
