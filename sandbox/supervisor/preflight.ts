import { mkdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { OperationError } from "../../operations/error.ts";
import { findPostgres, findRedis } from "../setup/find-servers.ts";
import { neighbours } from "./neighbours.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a full demo writes at most: images, unpacked images, databases, backups. */
const neededBytes = 3 * 1024 ** 3;

/**
 * Checks all that a start needs, and reports everything that is missing at once. Nothing is started before it passes. `home` is where this
 * repository's sandboxes are.
 */
export async function checkMachine(sandbox: Sandbox, home?: string): Promise<void> {
  await mkdir(sandbox.folder, { recursive: true });
  const problems = (await Promise.all([takenPorts(sandbox, home), diskSpace(sandbox.folder), servers()])).flat();
  if (problems.length === 0) return;
  throw new OperationError("refused", {
    where: "sandbox up",
    what: `${problems.map(({ what }) => what).join(" ")}`,
    next: [...new Set(problems.map(({ next }) => next))].join(" "),
  });
}

interface Problem {
  readonly what: string;
  readonly next: string;
}

const elsewhere = "or name the first of six free ports in AFFEXAI_SANDBOX_PORT";

/** One problem a port, but one for all the ports of another sandbox of this repository. */
async function takenPorts({ folder, host, ports }: Sandbox, home?: string): Promise<Problem[]> {
  const taken: [service: string, port: number][] = [];
  for (const [service, port] of Object.entries(ports)) {
    if (!(await canListen(host, port))) taken.push([service, port]);
  }
  if (taken.length === 0) return [];
  const others = (await neighbours(folder, home)).filter((other) => taken.some(([, port]) => other.ports.has(port)));
  return [
    ...others.map(({ what, down }) => ({ what, next: `Stop it (${down}), ${elsewhere}.` })),
    ...taken
      .filter(([, port]) => !others.some((other) => other.ports.has(port)))
      .map(([service, port]) => ({
        what: `Port ${port} on ${host}, for ${service}, is taken by another process.`,
        next: `Stop what listens there (ss -ltnp or lsof -iTCP -sTCP:LISTEN shows it), ${elsewhere}.`,
      })),
  ];
}

async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** `freeBytes` of the file system that `folder` is on. A parameter, because a full disk is hard to have at hand. */
export async function diskSpace(folder: string, freeBytes = freeBytesOf): Promise<Problem[]> {
  const free = await freeBytes(folder);
  if (free >= neededBytes) return [];
  return [
    {
      what: `The disk of ${folder} has ${(free / 1024 ** 3).toFixed(1)} GiB left; the sandbox needs ${neededBytes / 1024 ** 3} GiB.`,
      next: "Make room there, or name a folder on another disk in AFFEXAI_SANDBOX_DIR.",
    },
  ];
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function servers(): Promise<Problem[]> {
  const next = "Run ./affexai setup, which installs it.";
  const [postgres, redis] = await Promise.all([findPostgres(), findRedis()]);
  return [
    ...(postgres === null ? [{ what: "PostgreSQL's server and client programs were not found.", next }] : []),
    ...(redis === null ? [{ what: "redis-server was not found.", next }] : []),
  ];
}
