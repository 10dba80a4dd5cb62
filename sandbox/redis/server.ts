import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { dataPath } from "../processes/data-directory.ts";
import { freePort } from "../processes/free-port.ts";
import { EarlyExitError, startServer, type Exit, type ServerProcess } from "../processes/server-process.ts";
import { unprivilegedUser } from "../processes/unprivileged.ts";
import { findRedis } from "../setup/find-servers.ts";
import { answeringProcess } from "./answering-process.ts";

export interface RedisOptions {
  /** Holds the data, the log and the record of the process. Made if missing. */
  readonly dir: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without one, everybody on `host` may connect. */
  readonly password?: string;
  /** Directives of redis.conf, for example `{ appendonly: "no", "maxmemory-policy": "noeviction" }`. May hold secrets: they go in through stdin. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: `dir`/redis.log. */
  readonly logFile?: string;
}

export interface RedisServer {
  /** redis://:password@host:port */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Writes what is in memory, then ends. */
  close(): Promise<void>;
}

/** Starts the machine's Redis on data of its own and waits until it answers. What a kill -9 left running on the same folder is ended first. As root it runs as `redis` or `nobody`. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const file = await findRedis();
  if (file === null) throw new Error("redis-server was not found. Run ./affexai to install it.");
  const user = await unprivilegedUser(["redis"]);
  await mkdir(options.dir, { recursive: true });
  const data = await dataPath(options.dir, "data", user);
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const { server, port } = await startOnPort(options, (port) =>
    startServer({
      name: "Redis",
      dir: options.dir,
      file,
      // "-" reads the configuration from stdin: the password never shows in the process list.
      arguments: ["-"],
      input: configuration(options, data, port),
      user,
      logFile: options.logFile ?? join(options.dir, "redis.log"),
      // Another Redis may have the port, and this one be about to end for it.
      ready: async (pid) =>
        (await answeringProcess({ host: options.host, port, password: passwordOf(options) })) === pid,
      readyWithinMs: 30_000,
      stop: [
        { signal: "SIGTERM", withinMs: 10_000 },
        { signal: "SIGKILL", withinMs: 5000 },
      ],
    }),
  );
  const { pid, exited } = server;
  return { url: urlOf(options, port), host: options.host, port, pid, exited, close: () => server.close() };
}

async function startOnPort(
  options: RedisOptions,
  start: (port: number) => Promise<ServerProcess>,
): Promise<{ server: ServerProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port === 0 ? await freePort(options.host) : options.port;
    try {
      return { server: await start(port), port };
    } catch (error) {
      const taken = error instanceof EarlyExitError && error.log.includes("Address already in use");
      if (options.port !== 0 || !taken || attempt === 5) throw error;
    }
  }
}

function passwordOf(options: RedisOptions): string | undefined {
  return options.password ?? options.settings?.["requirepass"];
}

function configuration(options: RedisOptions, data: string, port: number): string {
  const directives: Record<string, string> = {
    bind: options.host,
    port: `${port}`,
    dir: data,
    appendonly: "yes",
    "protected-mode": "no",
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...options.settings,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${quote(value)}\n`)
    .join("");
}

/** A value of redis.conf in double quotes, except lists of words such as `save 900 1`, which must stay separate arguments. */
function quote(value: string): string {
  if (/^[\w./:-]+( [\w./:-]+)*$/.test(value)) return value;
  return JSON.stringify(value);
}

function urlOf(options: RedisOptions, port: number): string {
  const password = passwordOf(options);
  return `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}${options.host}:${port}`;
}
