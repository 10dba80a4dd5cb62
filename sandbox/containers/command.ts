import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { DockerError } from "./docker-error.ts";
import { hostname } from "./hosts.ts";
import type { Image } from "./image-store.ts";
import type { ContainerRecord } from "./record.ts";

/** A command of a container as the machine runs it. */
export interface HostCommand {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a container's commands need to know of the engine. */
export interface Surroundings {
  readonly hostsFile: string;
  /** The container's own folder: its log, HOME and TMPDIR. */
  readonly directory: string;
  /** Of the volume that the container's data is in; null when it has none. */
  readonly volume: string | null;
}

/** What gives a process of this machine a container's network and the end of its files. */
const preloads = ["./network.mjs", "./files.mjs"].map((file) => `--import=${new URL(file, import.meta.url).href}`);
const nativePrograms = {
  postgres: fileURLToPath(new URL("./native/postgres.ts", import.meta.url)),
  redis: fileURLToPath(new URL("./native/redis.ts", import.meta.url)),
};
const nodeNames = new Set(["node", "/usr/local/bin/node", "/usr/bin/node", "/nodejs/bin/node"]);

/** The container's own command: entry point and arguments, in the image's files. */
export async function mainCommand(
  container: ContainerRecord,
  image: Image,
  around: Surroundings,
): Promise<HostCommand> {
  const { Entrypoint, Cmd, WorkingDir } = container.config;
  const words = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  if (image.native === null) return hostCommand(words, WorkingDir, container, image, around);
  const program = nativePrograms[image.native];
  const command = await hostCommand(["node", program], WorkingDir, container, image, around);
  // The words of the command, which the official image's entry point gets as arguments: Coolify has the password of Redis among them, and arguments are
  // visible to every user of the machine.
  return { ...command, env: { ...command.env, AFFEXAI_CONTAINER_COMMAND: JSON.stringify(Cmd ?? []) } };
}

/**
 * A command inside a container, as the machine runs it: `node` is the Node that runs this, paths of the image are paths of its unpacked files, `sh` is the
 * machine's. The environment is the container's and nothing of ours, but for what the preloads need. Throws as Docker does when there is no such
 * program.
 */
export async function hostCommand(
  words: readonly string[],
  workingDirectory: string | undefined,
  container: ContainerRecord,
  image: Image,
  around: Surroundings,
): Promise<HostCommand> {
  const [program, ...rest] = words;
  if (program === undefined) throw new DockerError(400, "no command specified");
  const cwd = image.root === null ? around.directory : inside(image.root, workingDirectory ?? "/");
  await mkdir(cwd, { recursive: true });
  const env = { ...(await environment(container, image, around)), ...localAccess(container, image) };
  const file = await executable(program, cwd, env.PATH ?? "", image);
  if (file === null) {
    throw new DockerError(
      400,
      "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container " +
        `process: error during container init: exec: "${program}": executable file not found in $PATH: unknown`,
    );
  }
  // A script named by its path in the image is one of the unpacked files.
  const values = await Promise.all(rest.map((word) => translated(word, image)));
  return { file, arguments: values, cwd, env };
}

/**
 * In the official `postgres` image, commands inside the container reach the server through its socket and without a password: `psql -U user` of a health
 * check has neither. Here they reach it by address.
 */
function localAccess({ config, state }: ContainerRecord, image: Image): Record<string, string> {
  if (image.native !== "postgres") return {};
  const password = config.Env?.find((entry) => entry.startsWith("POSTGRES_PASSWORD="))?.slice(
    "POSTGRES_PASSWORD=".length,
  );
  return { PGHOST: state.address ?? "", ...(password === undefined ? {} : { PGPASSWORD: password }) };
}

async function environment(
  container: ContainerRecord,
  image: Image,
  around: Surroundings,
): Promise<Record<string, string>> {
  const { id, config, state } = container;
  const home = join(around.directory, "home");
  const temporary = join(around.directory, "tmp");
  await Promise.all([home, temporary].map((folder) => mkdir(folder, { recursive: true })));
  const own = Object.fromEntries(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
  return {
    HOSTNAME: hostname(id, config.Hostname),
    HOME: home,
    TMPDIR: temporary,
    ...own,
    PATH: [
      dirname(process.execPath),
      "/usr/local/sbin",
      "/usr/local/bin",
      "/usr/sbin",
      "/usr/bin",
      "/sbin",
      "/bin",
    ].join(delimiter),
    NODE_OPTIONS: [own.NODE_OPTIONS ?? "", ...preloads].join(" ").trim(),
    AFFEXAI_SANDBOX_HOSTS: around.hostsFile,
    AFFEXAI_CONTAINER_ID: id,
    AFFEXAI_CONTAINER_ADDRESS: state.address ?? "",
    ...(image.root === null ? {} : { AFFEXAI_CONTAINER_ROOT: image.root }),
    // With an init process (docker run --init) the program is not process 1.
    ...(container.hostConfig.Init === true ? {} : { AFFEXAI_CONTAINER_SUPERVISED: "1" }),
    ...(around.volume === null ? {} : { AFFEXAI_CONTAINER_VOLUME: around.volume }),
  };
}

async function executable(program: string, cwd: string, path: string, image: Image): Promise<string | null> {
  if (nodeNames.has(program)) return process.execPath;
  if (isAbsolute(program)) {
    const own = image.root === null ? null : inside(image.root, program);
    if (own !== null && (await runs(own))) return own;
    return ["/bin/sh", "/usr/bin/env"].includes(program) && (await runs(program)) ? program : null;
  }
  if (program.includes("/")) return (await runs(join(cwd, program))) ? join(cwd, program) : null;
  for (const folder of path.split(delimiter)) {
    if (await runs(join(folder, program))) return join(folder, program);
  }
  return null;
}

/** `path` inside the folder of an image's files; it cannot lead out of it. */
function inside(root: string, path: string): string {
  return join(root, posix.normalize(posix.join("/", path)));
}

async function translated(word: string, image: Image): Promise<string> {
  if (image.root === null || !word.startsWith("/")) return word;
  const own = inside(image.root, word);
  return (await exists(own)) && own !== join(image.root, "/") ? own : word;
}

async function runs(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
