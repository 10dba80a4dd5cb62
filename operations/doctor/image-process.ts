import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { OperationError } from "../error.ts";
import { imageAccess } from "../image/access.ts";
import { dockerEnvironment, runLabel } from "../image/docker-arguments.ts";
import { pullWithDocker } from "../image/docker-pull.ts";
import type { ImageConfig } from "../image/manifest.ts";
import { removeRun } from "../image/remove-run.ts";
import { runTitle, type ImageRuntime } from "../image/run-id.ts";
import { unpackedEnvironment, workingDirectory } from "../image/run.ts";
import { unpackImage } from "../image/unpack.ts";
import { start, type Command } from "../process.ts";
import type { Context } from "../verb.ts";
import type { ExaminedProcess } from "./examined-process.ts";

export interface ImageStart {
  readonly image: string;
  readonly runtime: ImageRuntime;
  /** Where it is to listen. */
  readonly url: string;
  /** A file of `NAME=value` lines: what the image needs besides its address and its drain. */
  readonly variables?: string;
  readonly limitMs: number;
}

/** The least that the platform hands out (operations/drain/spec.ts). */
const drain = { DRAIN_READY_SECONDS: "3", DRAIN_SECONDS: "2", DRAIN_LIMIT_SECONDS: "10" };

/**
 * Starts an image's own command as the platform would, on this machine's network. What a look at the same address left that was killed is
 * ended first: it would answer in the place of this one.
 */
export async function startImage(request: ImageStart, context: Context): Promise<ExaminedProcess> {
  const { hostname, port } = new URL(request.url);
  const given = request.variables === undefined ? {} : await readVariables(request.variables);
  const env = { ...drain, ...given, HOST: hostname, PORT: port || "80" };
  const runId = `doctor-${hostname.replaceAll(/[^\w.-]/g, "")}-${env.PORT}`;
  const remove = () => removeRun(runId, request.runtime, context.env.DOCKER_HOST);
  await remove();
  const command =
    request.runtime === "docker"
      ? await dockerCommand(request, runId, env, context)
      : await unpackedCommand(request, runId, env, context);
  const child = start({ ...command, timeoutMs: request.limitMs, signal: context.signal });
  for (const stream of [child.stdout, child.stderr]) stream.resume();
  const ended = child.then(
    ({ exitCode }) => exitCode ?? null,
    (error: unknown) => endOf(error),
  );
  return {
    // The docker client hands signals on to its container.
    terminate: () => void child.kill("SIGTERM"),
    async kill() {
      child.kill("SIGKILL");
      await remove();
    },
    ended,
  };
}

async function dockerCommand(
  { image }: ImageStart,
  runId: string,
  env: Readonly<Record<string, string>>,
  { env: own, signal }: Context,
): Promise<Omit<Command, "timeoutMs">> {
  await pullWithDocker(image, imageAccess(own, signal));
  return {
    file: "docker",
    arguments: [
      ...["run", "--rm", "--pull", "never", "--network", "host"],
      ...["--name", runTitle(runId), "--label", `${runLabel}=${runId}`],
      ...Object.keys(env).flatMap((name) => ["--env", name]),
      image,
    ],
    env: { ...env, ...dockerEnvironment(own.DOCKER_HOST) },
  };
}

async function unpackedCommand(
  { image }: ImageStart,
  runId: string,
  env: Readonly<Record<string, string>>,
  { env: own, signal }: Context,
): Promise<Omit<Command, "timeoutMs">> {
  const { rootfs, config } = await unpackImage(image, imageAccess(own, signal));
  return {
    file: process.execPath,
    arguments: [`--title=${runTitle(runId)}`, ...nodeArguments(image, config)],
    cwd: await workingDirectory(image, rootfs, config),
    env: unpackedEnvironment(process.env, config, env),
  };
}

function nodeArguments(image: string, { Entrypoint, Cmd }: ImageConfig): string[] {
  const [program, ...rest] = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  if (program !== undefined && /(^|\/)node$/.test(program)) return rest;
  throw new OperationError("refused", {
    where: `image ${image}`,
    what: `starts ${program ?? "nothing"}, and only node can be run without a container.`,
    next: "Use --image-runtime docker.",
  });
}

async function readVariables(file: string): Promise<Record<string, string>> {
  try {
    const entries = Object.entries(parseEnv(await readFile(file, "utf8")));
    return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  } catch (error) {
    throw new OperationError(
      "usage",
      {
        where: file,
        what: error instanceof Error ? error.message : "cannot be read.",
        next: "Give a file of NAME=value lines.",
      },
      { cause: error },
    );
  }
}

function endOf(error: unknown): number | string | null {
  if (typeof error !== "object" || error === null) return null;
  if ("exitCode" in error && typeof error.exitCode === "number") return error.exitCode;
  return "signal" in error && typeof error.signal === "string" ? error.signal : null;
}
