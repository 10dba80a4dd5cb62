import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../../sandbox/processes/free-port.ts";
import { eventually } from "./eventually.ts";

/** An application of the workload, run from its image's files as a container would: its command, its variables, nothing else. */
export interface ApplicationProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything it wrote so far. */
  output(): string;
  /** How it ended: exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** Resolves when a GET of the path answers with the status. */
  answers(path: string, status: number, limitMs?: number): Promise<Response>;
  /** SIGKILL, unless it ended already. */
  kill(): Promise<void>;
}

const address = "127.0.0.1";

/** Starts `command` (arguments of node) in the image's folder on a free port. Does not wait for anything. */
export async function startApplication(
  root: string,
  command: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<ApplicationProcess> {
  const port = await freePort(address);
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { NODE_ENV: "production", HOST: address, PORT: `${port}`, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = once(child, "close").then(([code, signal]: unknown[]) =>
    typeof code === "number" ? code : String(signal),
  );
  const url = `http://${address}:${port}`;
  return {
    url,
    child,
    output: () => output,
    ended,
    answers: (path, status, limitMs = 30_000) =>
      eventually(
        `${path} answers ${status}; the process wrote:\n${output}`,
        async () => {
          if (child.exitCode !== null) throw new Error(`the process ended: ${output}`);
          const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(2_000) });
          if (response.status === status) return response;
          throw new Error(`${response.status} ${await response.text()}`);
        },
        limitMs,
      ),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
