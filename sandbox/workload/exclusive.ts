import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { OperationError } from "../../operations/error.ts";
import { identify, isRunning, type ProcessIdentity } from "../processes/process-table.ts";

const pollMs = 250;
const limitMs = 900_000;

const Turn = z.object({ pid: z.int(), startedAt: z.string(), ended: z.boolean() });
type Turn = z.infer<typeof Turn>;

/**
 * Does the work while no other process works in the folder. Each worker has a turn, a file whose name is a number; the last turn is the one that
 * counts, until it has ended or its process is gone. Numbers never come back, so of two that want the next turn one gets it.
 */
export async function exclusively<T>(dir: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const turns = join(dir, "turns");
  await mkdir(turns, { recursive: true });
  const self = await identify(process.pid);
  if (self === null) throw new Error("This process cannot see itself in the process table.");
  const deadline = Date.now() + limitMs;
  for (;;) {
    const last = await lastTurn(turns);
    if (last.holder === null) {
      const mine = await take(turns, last.number + 1, self);
      if (mine !== null) return finishing(mine, self, work);
    } else if (Date.now() > deadline) {
      throw new OperationError("failed", {
        where: dir,
        what: `process ${last.holder.pid} has been building the workload for ${limitMs / 60_000} minutes.`,
        next: "Wait for it, or end it.",
      });
    } else await wait(pollMs, undefined, { signal });
  }
}

async function finishing<T>(mine: string, self: ProcessIdentity, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    const draft = await writeDraft(mine, { ...self, ended: true });
    await rename(draft, mine);
  }
}

/** The last turn's number, and who works in it now. */
async function lastTurn(turns: string): Promise<{ number: number; holder: ProcessIdentity | null }> {
  const number = Math.max(0, ...(await numbers(turns)));
  const turn = await readTurn(join(turns, `${number}`));
  return { number, holder: turn === null || turn.ended || !(await isRunning(turn)) ? null : turn };
}

/** Takes a turn, or returns null when another has it, or a later one. Returns its file. */
async function take(turns: string, number: number, self: ProcessIdentity): Promise<string | null> {
  const file = join(turns, `${number}`);
  const draft = await writeDraft(file, { ...self, ended: false });
  try {
    await link(draft, file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return null;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const others = (await numbers(turns)).filter((other) => other !== number);
  if (others.some((other) => other > number)) {
    await rm(file);
    return null;
  }
  await Promise.all(others.map((other) => rm(join(turns, `${other}`), { force: true })));
  return file;
}

async function numbers(turns: string): Promise<number[]> {
  return (await readdir(turns)).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Null for one that is gone or was cut off by a power failure: a turn becomes visible only as a whole. */
async function readTurn(file: string): Promise<Turn | null> {
  try {
    return Turn.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return null;
  }
}

async function writeDraft(file: string, turn: Turn): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(turn));
  return draft;
}
