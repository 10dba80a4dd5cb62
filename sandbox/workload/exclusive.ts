import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { OperationError } from "../../operations/error.ts";

const pollMs = 250;
const limitMs = 900_000;

/** Does the work while no other process works in the folder. A lock whose process is gone counts as free. */
export async function exclusively<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true });
  const lock = join(dir, "lock");
  const deadline = Date.now() + limitMs;
  while (!(await take(lock))) {
    const holder = await readFile(lock, "utf8").catch(() => "");
    if (holder !== "" && !isRunning(Number(holder))) await rm(lock, { force: true });
    else if (Date.now() > deadline) {
      throw new OperationError("failed", {
        where: lock,
        what: `process ${holder} has been building the workload for ${limitMs / 60_000} minutes.`,
        next: "Wait for it, or end it.",
      });
    } else await wait(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
