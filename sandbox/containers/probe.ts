import { spawn } from "node:child_process";
import { DockerError } from "./docker-error.ts";
import { hostCommand, type Surroundings } from "./command.ts";
import { healthTest, type ProbeResult } from "./health.ts";
import { parseHttpProbe, runHttpProbe } from "./http-probe.ts";
import type { Image } from "./image-store.ts";
import { imageTools } from "./image-tools.ts";
import type { ContainerRecord } from "./record.ts";

const outputLimit = 4096;

/**
 * Runs a container's health check once and never rejects: a check that cannot be run, or takes longer than `timeoutMs`, has the exit code -1.
 * `signal` ends it early, when the container stops.
 */
export async function probe(
  container: ContainerRecord,
  image: Image,
  around: Surroundings,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const start = new Date().toISOString();
  const timeout = AbortSignal.timeout(Math.max(1, timeoutMs));
  const ended = AbortSignal.any([signal, timeout]);
  const result = await attempt(container, image, around, ended).catch((error: unknown) => ({
    exitCode: -1,
    output: error instanceof Error ? error.message : String(error),
  }));
  const end = new Date().toISOString();
  if (!timeout.aborted) return { ...result, start, end };
  const said = result.output === "" ? "" : `: ${result.output}`;
  return { exitCode: -1, output: `Health check exceeded timeout (${timeoutMs / 1000}s)${said}`, start, end };
}

async function attempt(
  container: ContainerRecord,
  image: Image,
  around: Surroundings,
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const test = healthTest(container.config.Healthcheck);
  if (test === null) throw new Error("There is no health check.");
  const [kind, ...words] = test;
  const tools = imageTools(image);
  if (kind === "CMD-SHELL") {
    if (!tools.sh) throw execFailure("/bin/sh", "stat /bin/sh: no such file or directory");
    const alternatives = words.length === 1 ? parseHttpProbe(words[0] ?? "") : null;
    if (alternatives !== null) return runHttpProbe(alternatives, tools, container.state.address ?? "", signal);
  } else if (["curl", "wget", "sh"].includes(words[0] ?? "") && !tools[words[0] as "curl" | "wget" | "sh"]) {
    throw execFailure(words[0] ?? "", "executable file not found in $PATH");
  }
  const command = await hostCommand(
    kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...words] : words,
    container.config.WorkingDir,
    container,
    image,
    around,
  );
  return runProcess(command, signal);
}

function execFailure(program: string, reason: string): DockerError {
  return new DockerError(
    400,
    `OCI runtime exec failed: exec failed: unable to start container process: exec: "${program}": ${reason}: unknown`,
  );
}

async function runProcess(
  command: { file: string; arguments: readonly string[]; cwd: string; env: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const child = spawn(command.file, command.arguments, {
    cwd: command.cwd,
    env: { ...command.env, AFFEXAI_CONTAINER_SUPERVISED: "0" },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    killSignal: "SIGKILL",
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(0, outputLimit);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ exitCode: -1, output: `${output}${error.message}` }));
    child.once("close", (code) => resolve({ exitCode: code ?? -1, output }));
  });
}
