import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { run } from "../../operations/process.ts";
import type { LayerSource } from "../images/layer-cache.ts";
import { findPostgres, findRedis } from "../setup/find-servers.ts";
import { librariesOf } from "./libraries.ts";
import { Rootfs } from "./rootfs.ts";
import type { StandIn } from "./stand-in.ts";

/** Files of our own that go into stand-ins. */
const ownFiles = join(import.meta.dirname, "base");
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const owners = { root: { uid: 0, gid: 0 }, postgres: { uid: 70, gid: 70 }, redis: { uid: 999, gid: 999 } };

/** What all Dockerfiles of this repository start from. */
export const nodeImage = "node:24-alpine";

/** What the workload and the tools are built from: Node, a shell, wget for Coolify's health check. */
export async function nodeStandIn(): Promise<StandIn> {
  return {
    name: nodeImage,
    title: `Node ${process.versions.node} and BusyBox of this machine`,
    async layers() {
      const files = await userland([process.execPath]);
      await files.file(process.execPath, "/usr/local/bin/node");
      return [rootOwned(files)];
    },
    config: { Env: [path, `NODE_VERSION=${process.versions.node}`], Cmd: ["node"] },
  };
}

/** The machine's PostgreSQL behind the official image's variables, with the client programs that Coolify's health check runs. */
export async function postgresStandIn(): Promise<StandIn> {
  const bin = await findPostgres();
  if (bin === null) throw notHere("PostgreSQL's server");
  const { home, share, version } = await debianPostgres(bin);
  const data = "/var/lib/postgresql/data";
  return {
    name: "postgres:16-alpine",
    title: `PostgreSQL ${version} of this machine`,
    async layers() {
      const programs = [
        ...["postgres", "initdb", "pg_ctl", "pg_isready", "psql", "createdb"],
        ...["pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "pg_controldata"],
      ].map((program) => join(bin, program));
      // The compiler of queries would bring LLVM, and the other languages their interpreters; neither is asked for.
      const wanted = (name: string) => !/^(llvm|plperl|plpython|pltcl|bitcode|hstore_pl|jsonb_pl|ltree_pl)/.test(name);
      const modules = new Rootfs();
      await modules.folder(join(home, "lib"), join(home, "lib"), wanted);
      const loaded = modules.entries().flatMap((entry) => (entry.type === "file" ? [entry.source] : []));
      const files = await userland([...programs, ...loaded.filter((file) => file.endsWith(".so"))]);
      for (const program of programs) {
        await files.file(program);
        files.symlink(program.replace(bin, "/usr/local/bin"), program);
      }
      await files.folder(join(home, "lib"), join(home, "lib"), wanted);
      await files.folder(share, share, (name) => name !== "man" && name !== "contrib");
      await files.folder("/usr/share/zoneinfo");
      await files.folder("/usr/lib/locale/C.utf8");
      await files.folder(join(ownFiles, "postgres"), "/");
      return [rootOwned(files), owned("postgres", [data, "/var/run/postgresql"])];
    },
    config: {
      User: "postgres",
      Env: [path, `PGDATA=${data}`, "LANG=C.UTF-8"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["postgres"],
      ExposedPorts: { "5432/tcp": {} },
      // Fast shutdown, as in the official image: SIGTERM would wait for the clients.
      StopSignal: "SIGINT",
    },
  };
}

/** pg_dump refuses a server that is newer than itself: why one of this major version cannot be used here, or null. */
export async function olderClient(serverMajor: number): Promise<string | null> {
  const bin = await findPostgres();
  if (bin === null) return null;
  const { stdout } = await run({ file: join(bin, "pg_dump"), arguments: ["--version"], timeoutMs: 10_000 });
  const major = Number(/(\d+)(\.\d+)?\s*(\(|$)/.exec(stdout)?.[1] ?? 0);
  return major >= serverMajor ? null : `this machine's pg_dump is of PostgreSQL ${major}, which refuses newer servers`;
}

/** The machine's Redis, with the client that Coolify's health check runs. */
export async function redisStandIn(): Promise<StandIn> {
  const server = await findRedis();
  if (server === null) throw notHere("redis-server");
  const client = join(dirname(server), server.endsWith("valkey-server") ? "valkey-cli" : "redis-cli");
  const { stdout } = await run({ file: server, arguments: ["--version"], timeoutMs: 10_000 });
  return {
    name: "redis:7-alpine",
    title: `Redis ${/v=(\S+)/.exec(stdout)?.[1] ?? ""} of this machine`,
    async layers() {
      const files = await userland([server, client]);
      await files.file(server, "/usr/local/bin/redis-server");
      await files.file(client, "/usr/local/bin/redis-cli");
      await files.folder(join(ownFiles, "redis"), "/");
      return [rootOwned(files), owned("redis", ["/data"])];
    },
    config: {
      User: "redis",
      Env: [path],
      WorkingDir: "/data",
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["redis-server"],
      ExposedPorts: { "6379/tcp": {} },
    },
  };
}

/** Traefik from a binary of this machine. */
export async function traefikStandIn(binary: string): Promise<StandIn> {
  const { stdout } = await run({ file: binary, arguments: ["version"], timeoutMs: 10_000 });
  return {
    name: "traefik:v3.6",
    title: `Traefik ${/^Version:\s+(\S+)/m.exec(stdout)?.[1] ?? "of unknown version"} of this machine`,
    async layers() {
      const files = await userland([binary]);
      await files.file(binary, "/usr/local/bin/traefik");
      return [rootOwned(files)];
    },
    config: { Env: [path], Entrypoint: ["traefik"] },
  };
}

/** What every stand-in has: a shell with its commands, users, certificates, and the libraries that the programs need. */
async function userland(programs: readonly string[]): Promise<Rootfs> {
  const files = new Rootfs();
  const busybox = await findBusybox();
  await files.file(busybox, "/bin/busybox");
  const { stdout } = await run({ file: busybox, arguments: ["--list"], timeoutMs: 10_000 });
  for (const applet of stdout.trim().split("\n")) {
    if (applet !== "busybox") files.symlink(`/bin/${applet}`, "busybox");
  }
  // getaddrinfo loads these two where they are not part of the C library itself (glibc before 2.34).
  for (const library of await librariesOf([busybox, ...programs])) await files.file(library);
  await files.folder(join(ownFiles, "common"), "/");
  await files.file("/etc/ssl/certs/ca-certificates.crt");
  files.directory("/tmp", 0o1777);
  files.directory("/var/tmp", 0o1777);
  files.directory("/root", 0o700);
  return files;
}

async function findBusybox(): Promise<string> {
  for (const candidate of ["/bin/busybox", "/usr/bin/busybox"]) {
    const real = await realpath(candidate).catch(() => null);
    if (real !== null) return real;
  }
  throw notHere("busybox");
}

/** Where Debian's and Ubuntu's packages have their files: a program finds them by paths that are compiled in. */
async function debianPostgres(bin: string) {
  const [, home, major] = /^(\/usr\/lib\/postgresql\/(\d+))\/bin$/.exec(await realpath(bin)) ?? [];
  if (home === undefined || major === undefined) throw notHere("PostgreSQL of Debian's or Ubuntu's package");
  const { stdout } = await run({ file: join(bin, "postgres"), arguments: ["--version"], timeoutMs: 10_000 });
  return { home, share: `/usr/share/postgresql/${major}`, version: /\d+\.\d+/.exec(stdout)?.[0] ?? major };
}

function rootOwned(files: Rootfs): LayerSource {
  return { entries: files.entries(), owner: owners.root };
}

function owned(owner: "postgres" | "redis", folders: readonly string[]): LayerSource {
  const files = new Rootfs();
  for (const folder of folders) files.directory(folder, 0o700);
  return { entries: files.entries().filter(({ path: at }) => folders.includes(`/${at}`)), owner: owners[owner] };
}

function notHere(what: string): OperationError {
  return new OperationError("refused", {
    where: "base images",
    what: `cannot be pulled from here, and cannot be made of this machine's programs: ${what} was not found.`,
    next: "Give the engine a way to Docker Hub (or a mirror), or use Debian or Ubuntu and run ./affexai setup.",
  });
}
