import { mkdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { OperationError } from "../../operations/error.ts";
import { findPostgres, findRedis } from "../setup/find-servers.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a full demo writes at most: images, unpacked images, databases, backups. */
const neededBytes = 3 * 1024 ** 3;

/** Checks all that a start needs, and reports everything that is missing at once. Nothing is started before it passes. */
export async function checkMachine(sandbox: Sandbox): Promise<void> {
  await mkdir(sandbox.folder, { recursive: true });
  const problems = (await Promise.all([takenPorts(sandbox), diskSpace(sandbox.folder), servers()])).flat();
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

async function takenPorts({ host, ports }: Sandbox): Promise<Problem[]> {
  const found: Problem[] = [];
  for (const [service, port] of Object.entries(ports)) {
    if (await canListen(host, port)) continue;
    found.push({
      what: `Port ${port} on ${host}, for ${service}, is taken by another process.`,
      next: "Stop what listens there (ss -ltnp or lsof -iTCP -sTCP:LISTEN shows it), or name the first of six free ports in AFFEXAI_SANDBOX_PORT.",
    });
  }
  return found;
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
