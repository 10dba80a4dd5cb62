import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type { Call } from "../provider.ts";
import type { CommandInputs } from "./provider.ts";

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

const streamed: Record<NonNullable<CommandInputs["logging"]>, readonly ("stdout" | "stderr")[]> = {
  stdout: ["stdout"],
  stderr: ["stderr"],
  stdoutAndStderr: ["stdout", "stderr"],
  none: [],
};

/**
 * Runs a command as the official provider does (pulumi-command, provider/pkg/provider/local/commandOutputs.go): the interpreter with the
 * command as its one last argument; the whole environment of the provider, and `environment`; a direct SIGKILL when the call is
 * cancelled or too late; and it waits until the last holder of the pipes is gone.
 * Throws with the command string and everything it wrote, whatever `logging` says.
 */
export function run(
  command: string,
  inputs: CommandInputs,
  previous: CommandOutput,
  call: Call,
): Promise<CommandOutput> {
  const [file = "", ...prefix] = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
  const previousOutput =
    inputs.addPreviousOutputInEnv === false
      ? {}
      : {
          ...(previous.stdout === "" ? {} : { PULUMI_COMMAND_STDOUT: previous.stdout }),
          ...(previous.stderr === "" ? {} : { PULUMI_COMMAND_STDERR: previous.stderr }),
        };
  return new Promise((resolve, reject) => {
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
    const lines = new PassThrough();
    createInterface({ input: lines }).on("line", call.status);
    const fail = (ending: string) =>
      reject(new Error(`${ending}: running ${JSON.stringify(command)}:\n${Buffer.concat(output.both).toString()}`));
    if (call.signal.aborted) return fail("context canceled");
    const child = spawn(file, [...prefix, command], {
      cwd: inputs.dir,
      env: { ...process.env, ...inputs.environment, ...previousOutput },
      stdio: [inputs.stdin === undefined || inputs.stdin === "" ? "ignore" : "pipe", "pipe", "pipe"],
    });
    for (const name of ["stdout", "stderr"] as const) {
      const logged = streamed[inputs.logging ?? "stdoutAndStderr"].includes(name);
      child[name]?.on("data", (chunk: Buffer) => {
        output[name].push(chunk);
        output.both.push(chunk);
        if (logged) lines.write(chunk);
      });
    }
    const kill = () => child.kill("SIGKILL");
    call.signal.addEventListener("abort", kill, { once: true });
    child.once("error", (error) => {
      call.signal.removeEventListener("abort", kill);
      fail(error.message);
    });
    child.once("close", (code, signal) => {
      call.signal.removeEventListener("abort", kill);
      lines.end();
      if (code === 0) resolve({ stdout: trimmed(output.stdout), stderr: trimmed(output.stderr) });
      else
        fail(
          signal === null ? `exit status ${code ?? "unknown"}` : `signal: ${signal === "SIGKILL" ? "killed" : signal}`,
        );
    });
    // A command that does not read its stdin may be gone before everything is written: its exit code tells.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(inputs.stdin);
  });
}

/** Without one newline at the end, as the official provider keeps it. */
function trimmed(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString().replace(/\n$/, "");
}
