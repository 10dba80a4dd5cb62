import { ExecaError } from "execa";
import { OperationError } from "../error.ts";
import type { Child } from "../process.ts";

const tailCharacters = 4000;

/**
 * Waits for a child whose output somebody else reads, keeping the end of its stderr. Resolves on exit code 0 only; otherwise throws an
 * OperationError that says how it ended and what it said.
 */
export async function endOf(child: Child, program: string): Promise<void> {
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-tailCharacters);
  });
  try {
    await child;
  } catch (error) {
    if (!isEnding(error)) throw error;
    const lines = said.trim().split("\n").slice(-12).join("\n");
    throw new OperationError(
      error.isCanceled ? "stopped" : "failed",
      {
        where: program,
        what: `${ending(error)}${lines === "" ? "" : `\n${lines}\n`}`,
        next: error.isCanceled ? "Run again; nothing was kept of it." : "Correct what it says and run again.",
      },
      // Not the error itself as the cause: it prints the whole environment of the child's options.
    );
  }
}

type Ending = Pick<ExecaError, "code" | "exitCode" | "isCanceled" | "signal" | "timedOut">;

function isEnding(error: unknown): error is Ending {
  return error instanceof ExecaError;
}

function ending(error: Ending): string {
  if (error.timedOut) return "did not end within its time limit and was stopped.";
  if (error.isCanceled) return "was stopped because the run was cancelled.";
  if (error.signal !== undefined) return `was ended by ${error.signal}.`;
  return `ended with exit code ${error.exitCode ?? `unknown (${error.code ?? "no code"})`}.`;
}
