import { closeSync, mkdirSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";

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
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a command with its output in `logFile`, appended. Returns whether it succeeded within its time. `sudo` may still ask on the terminal. */
export async function runLogged({ command, logFile, timeoutMs, env, cwd }: LoggedCommand): Promise<boolean> {
  const [file, ...args] = command;
  if (file === undefined) throw new Error("An empty command was given.");
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  try {
    const { failed } = await execa(file, args, {
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "inherit",
      stdout: log,
      stderr: log,
      timeout: timeoutMs,
      forceKillAfterDelay: 5000,
      reject: false,
    });
    return !failed;
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, for the message that says it failed. */
export async function logTail(logFile: string, lines = 8): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
