import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { ExecaError } from "execa";
import { OperationError } from "../error.ts";
import { start, type Command } from "../process.ts";
import type { ImageAccess } from "./access.ts";
import { dockerEnvironment, dockerRunArguments } from "./docker-arguments.ts";
import { pullWithDocker } from "./docker-pull.ts";
import type { ImageConfig } from "./manifest.ts";
import { removeRun } from "./remove-run.ts";
import { checkRunId, runTitle, type ImageRuntime } from "./run-id.ts";
import { unpackImage } from "./unpack.ts";

export interface ImageRun {
  /** Names the run among all of this machine: letters, digits, `_`, `.`, `-`. A later process removes it by this name. */
  readonly runId: string;
  readonly image: string;
  readonly runtime: ImageRuntime;
  /** Node inside the image, used with `docker`; `unpacked` runs this process's own Node. */
  readonly nodePath: string;
  /** Node's arguments; `["-"]` runs what comes on stdin. Never a secret. */
  readonly argv: readonly string[];
  /** Written to stdin, which is then closed. */
  readonly input: string;
  /** Added to the image's own variables. The place for secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly access: ImageAccess;
  /** Called for each line as it comes. What it throws ends the run. */
  onLine(line: string, from: "stdout" | "stderr"): void;
}

/**
 * Runs Node in the image's working directory, on this machine's network, and returns when it ended with exit code 0. The
 * application's process sees the image's variables, `env`, and of this process only what `passedOn` lists: no access credentials.
 * Throws an OperationError when the image cannot be had, at any other exit code, after `timeoutMs` and when cancelled; nothing
 * of the run is alive then. On a Coolify server itself AFFEXAI_IMAGE_NETWORK=coolify puts `docker` runs into the network where databases have
 * their names. After a kill -9 of this process the run may live on: `removeRun` ends it.
 */
export async function runInImage(run: ImageRun): Promise<void> {
  checkRunId(run.runId);
  const command = run.runtime === "docker" ? await dockerCommand(run) : await unpackedCommand(run);
  const child = start({
    ...command,
    timeoutMs: run.timeoutMs,
    ...(run.access.signal && { signal: run.access.signal }),
  });
  // A child that ends before it has read everything breaks this pipe; its exit code tells more than EPIPE.
  child.stdin.on("error", () => undefined);
  child.stdin.end(run.input);
  const errors: string[] = [];
  const reading = Promise.all([
    eachLine(child.stdout, (line) => run.onLine(line, "stdout")),
    eachLine(child.stderr, (line) => {
      if (errors.push(line) > 12) errors.shift();
      run.onLine(line, "stderr");
    }),
  ]);
  try {
    await Promise.all([child, reading]);
  } catch (error) {
    child.kill("SIGKILL");
    await Promise.allSettled([child, reading]);
    if (run.runtime === "docker") await removeRun(run.runId, run.runtime, run.access.dockerHost);
    throw error instanceof ExecaError ? ended(run, error as Ending, errors) : error;
  }
}

async function dockerCommand(run: ImageRun): Promise<Omit<Command, "timeoutMs">> {
  await pullWithDocker(run.image, run.access);
  const { runId, image, nodePath, argv, env, access } = run;
  const { network = "host" } = access;
  return {
    file: "docker",
    arguments: dockerRunArguments({ runId, image, nodePath, argv, network, variables: Object.keys(env) }),
    env: { ...env, ...dockerEnvironment(access.dockerHost) },
  };
}

async function unpackedCommand(run: ImageRun): Promise<Omit<Command, "timeoutMs">> {
  const { rootfs, config } = await unpackImage(run.image, run.access);
  return {
    file: process.execPath,
    arguments: [`--title=${runTitle(run.runId)}`, ...run.argv],
    cwd: await workingDirectory(run.image, rootfs, config),
    env: unpackedEnvironment(process.env, config, run.env),
  };
}

/** What a process outside a container needs of the machine it runs on. NODE_OPTIONS is joined with the image's. */
const passedOn =
  /^(PATH|HOME|USER|TMPDIR|TZ|LANG|LC_.*|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|AFFEXAI_SANDBOX_HOSTS)$/;

/** The variables of a process that runs unpacked; undefined removes one that would be inherited. */
export function unpackedEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  config: Pick<ImageConfig, "Env">,
  env: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const removed = Object.keys(inherited).filter((name) => !passedOn.test(name));
  const ofImage = Object.fromEntries(
    (config.Env ?? []).map((pair) => {
      const cut = pair.indexOf("=");
      return cut < 0 ? [pair, ""] : [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
  );
  // The image's PATH names folders of the image, which are not this machine's.
  delete ofImage.PATH;
  const options = [inherited.NODE_OPTIONS, ofImage.NODE_OPTIONS, env.NODE_OPTIONS].filter(Boolean).join(" ");
  return {
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    ...ofImage,
    ...env,
    ...(options === "" ? {} : { NODE_OPTIONS: options }),
  };
}

/** The working directory of an image, in its unpacked files and nowhere else. */
export async function workingDirectory(image: string, rootfs: string, config: ImageConfig): Promise<string> {
  const root = await realpath(rootfs);
  const path = await realpath(join(root, config.WorkingDir ?? "/")).catch(() => undefined);
  if (path !== undefined && (path === root || path.startsWith(root + sep))) return path;
  throw new OperationError("refused", {
    where: `image ${image}`,
    what: `has no folder ${config.WorkingDir ?? "/"}, which is its working directory.`,
    next: "Correct WORKDIR in its Dockerfile.",
  });
}

async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) take(line);
}

type Ending = Pick<ExecaError, "code" | "timedOut" | "isCanceled" | "signal" | "exitCode">;

function ended(run: ImageRun, error: Ending, errors: readonly string[]): OperationError {
  const how =
    error.code === "ENOENT"
      ? "cannot be run: docker was not found."
      : error.timedOut
        ? `did not end within ${run.timeoutMs / 1000} s and was stopped.`
        : error.isCanceled
          ? "was stopped because the run was cancelled."
          : error.signal === undefined
            ? `ended with exit code ${error.exitCode ?? "unknown"}.`
            : `was ended by ${error.signal}.`;
  return new OperationError("failed", {
    where: `run ${run.runId} in ${run.image}`,
    what: errors.length === 0 ? how : `${how}\n${errors.join("\n")}\n`,
    next: "Read what it wrote; the same run can be started again.",
  });
}
