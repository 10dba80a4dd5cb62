import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { dataPath } from "../processes/data-directory.ts";
import { freePort } from "../processes/free-port.ts";
import { commandOf } from "../processes/process-table.ts";
import { EarlyExitError, startServer, type Exit, type ServerProcess } from "../processes/server-process.ts";
import { unprivilegedUser } from "../processes/unprivileged.ts";
import { findPostgres } from "../setup/find-servers.ts";
import { initialise } from "./initialise.ts";

export interface PostgresOptions {
  /** Holds the data, the log and the record of the process. Made if missing. */
  readonly dir: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The superuser. Like the password, fixed when the data folder is made. */
  readonly user: string;
  readonly password: string;
  /** Made with the data. */
  readonly database: string;
  /** Settings of postgresql.conf, for example `{ max_connections: "200" }`. Never a secret. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: `dir`/postgres.log. */
  readonly logFile?: string;
}

export interface PostgresServer {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the postmaster. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Fast shutdown: sessions are ended, everything is written. */
  close(): Promise<void>;
}

const readyWithinMs = 60_000;

/**
 * Starts the machine's PostgreSQL on data of its own, and waits until it takes connections. As root it runs as `postgres` or `nobody`. What a
 * kill -9 left behind is cleaned up: a postmaster of the same data that still runs is ended, a lock file whose process number belongs to somebody
 * else now is removed.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const bin = await findPostgres();
  if (bin === null)
    throw new Error("PostgreSQL's server and client programs were not found. Run ./affexai to install them.");
  const user = await unprivilegedUser(["postgres"]);
  await mkdir(options.dir, { recursive: true });
  const data = await dataPath(options.dir, "data", user);
  await initialise({
    bin,
    data,
    superuser: options.user,
    password: options.password,
    database: options.database,
    user,
  });
  const { server, port } = await startOnPort(options, async (port) => {
    await removeForeignLock(data);
    return startServer({
      name: "PostgreSQL",
      dir: options.dir,
      file: join(bin, "postgres"),
      arguments: serverArguments(data, options, port),
      user,
      logFile: options.logFile ?? join(options.dir, "postgres.log"),
      ready: () => answers(options, port, data),
      readyWithinMs,
      // Fast shutdown, then immediate shutdown (crash recovery at the next start).
      stop: [
        { signal: "SIGINT", withinMs: 20_000 },
        { signal: "SIGQUIT", withinMs: 10_000 },
        { signal: "SIGKILL", withinMs: 10_000 },
      ],
    });
  });
  const { pid, exited } = server;
  return { url: urlOf(options, port), host: options.host, port, pid, exited, close: () => server.close() };
}

function serverArguments(data: string, options: PostgresOptions, port: number): string[] {
  const settings = {
    listen_addresses: options.host,
    port: `${port}`,
    // No socket file: its path may be too long, and its folder may not exist.
    unix_socket_directories: "",
    log_line_prefix: "%m [%p] %q%a@%d ",
    ...options.settings,
  };
  return ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** Starts again where that helps: the free port was taken meanwhile, or the children of a killed postmaster have not all noticed its death yet. */
async function startOnPort(
  options: PostgresOptions,
  start: (port: number) => Promise<ServerProcess>,
): Promise<{ server: ServerProcess; port: number }> {
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    const port = options.port === 0 ? await freePort(options.host) : options.port;
    try {
      return { server: await start(port), port };
    } catch (error) {
      if (!(error instanceof EarlyExitError) || Date.now() > deadline) throw error;
      const takenPort = options.port === 0 && error.log.includes("Address already in use");
      if (!takenPort && !error.log.includes("is still in use")) throw error;
    }
  }
}

/** postmaster.pid names a process that is no PostgreSQL on this data (the number was reused): the server itself would refuse to start. */
async function removeForeignLock(data: string): Promise<void> {
  const lock = join(data, "postmaster.pid");
  const pid = Number((await readFile(lock, "utf8").catch(() => "")).split("\n", 1)[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const command = await commandOf(pid);
  if (command !== null && !command.includes(data)) await rm(lock, { force: true });
}

/** Another PostgreSQL may have the port, and this one be about to end for it: so its data folder is compared. */
async function answers(options: PostgresOptions, port: number, data: string): Promise<boolean> {
  return (await query(options, port, "SELECT 1 WHERE current_setting('data_directory') = $1", [data])) === 1;
}

async function query(options: PostgresOptions, port: number, text: string, values: string[] = []): Promise<number> {
  const client = new pg.Client({
    host: options.host,
    port,
    user: options.user,
    password: options.password,
    database: "postgres",
    application_name: "affexai-sandbox",
    connectionTimeoutMillis: 5000,
  });
  // A server that goes away in mid-connection is reported by the query itself.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text, values)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

function urlOf({ user, password, host, database }: PostgresOptions, port: number): string {
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${encodeURIComponent(database)}`;
}
