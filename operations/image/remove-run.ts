import { readdir, readFile } from "node:fs/promises";
import { OperationError } from "../error.ts";
import { run } from "../process.ts";
import { silent } from "../progress.ts";
import { waitFor } from "../wait.ts";
import { codeOf } from "./missing.ts";
import { dockerEnvironment, dockerListArguments } from "./docker-arguments.ts";
import { checkRunId, runTitle, type ImageRuntime } from "./run-id.ts";

/** This machine has no way to its Docker engine, so nobody can say from here what is left of a run. */
export class EngineOutOfReach extends OperationError {}

/**
 * Ends whatever is left of a run, at once and without asking it, and returns when it is gone: how many containers or processes
 * that were. Zero is the usual answer. Throws an OperationError when something does not go away, and EngineOutOfReach where it cannot
 * even be looked for. `dockerHost`: where the engine of its containers is, when not where this process's own variables say.
 */
export async function removeRun(runId: string, runtime: ImageRuntime, dockerHost?: string): Promise<number> {
  checkRunId(runId);
  const engine = dockerEnvironment(dockerHost);
  const [list, remove] =
    runtime === "docker"
      ? [() => listContainers(runId, engine), (ids: readonly string[]) => removeContainers(ids, engine)]
      : [() => listProcesses(runTitle(runId)), killProcesses];
  const seen = new Set<string>();
  return await waitFor(
    {
      what: `the end of run ${runId}`,
      timeoutMs: 30_000,
      intervalMs: 100,
      next: "Look at it by this id, end it by hand, and run this again.",
      async look() {
        const left = await list();
        if (left.length === 0) return { done: true, value: seen.size };
        for (const id of left) seen.add(id);
        await remove(left);
        return { done: false, seen: `still there: ${left.join(", ")}` };
      },
    },
    // Not the signal of the run: what is cancelled has to be cleared up too.
    { progress: silent, signal: new AbortController().signal },
  );
}

type Engine = ReturnType<typeof dockerEnvironment>;

async function listContainers(runId: string, env: Engine): Promise<string[]> {
  try {
    const { stdout } = await run({ file: "docker", arguments: dockerListArguments(runId), env, timeoutMs: 30_000 });
    return stdout.split("\n").filter((id) => id !== "");
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new EngineOutOfReach(error.kind, error.text, { cause: error });
  }
}

async function removeContainers(ids: readonly string[], env: Engine): Promise<void> {
  try {
    await run({ file: "docker", arguments: ["rm", "--force", "--volumes", ...ids], env, timeoutMs: 30_000 });
  } catch (error) {
    // `--rm` is at work on it already, or was quicker; the next look tells.
    if (!(error instanceof OperationError) || !/no such container|already in progress/i.test(error.message))
      throw error;
  }
}

async function listProcesses(title: string): Promise<string[]> {
  const running = process.platform === "linux" ? await commandLinesOfLinux() : await commandLinesOfPs();
  return running
    .filter(({ words }) => words.includes(title) || words.includes(`--title=${title}`))
    .map(({ pid }) => pid)
    .filter((pid) => pid !== String(process.pid));
}

interface CommandLine {
  readonly pid: string;
  readonly words: readonly string[];
}

async function commandLinesOfLinux(): Promise<CommandLine[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      words: (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0"),
    })),
  );
  return lines;
}

async function commandLinesOfPs(): Promise<CommandLine[]> {
  const { stdout } = await run({ file: "ps", arguments: ["-A", "-o", "pid=,command="], timeoutMs: 30_000 });
  return stdout.split("\n").map((line) => {
    const [pid = "", ...words] = line.trim().split(/\s+/);
    return { pid, words };
  });
}

async function killProcesses(pids: readonly string[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }
}
