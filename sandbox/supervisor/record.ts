import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../../operations/error.ts";
import { isRunning } from "../processes/process-table.ts";
import { stopProcess } from "../processes/stop.ts";

const Identity = z.strictObject({ pid: z.int(), startedAt: z.string() });

const ServiceRecord = z.strictObject({
  name: z.string(),
  url: z.string(),
  /** Its log file. */
  log: z.string(),
  process: Identity,
  ready: z.boolean(),
});
export type ServiceRecord = z.infer<typeof ServiceRecord>;

const SupervisorRecord = z.strictObject({
  process: Identity,
  /** ISO 8601. */
  since: z.string(),
  state: z.enum(["starting", "up", "stopping", "stopped", "failed"]),
  /** Why it failed. */
  reason: z.string().optional(),
  services: z.array(ServiceRecord),
});
/** What the supervisor says of itself and its services. Written by nobody else; stays behind when it is killed with -9. */
export type SupervisorRecord = z.infer<typeof SupervisorRecord>;

/** Reads the record of a state folder; null if there is none that makes sense. */
export async function readRecord(folder: string): Promise<SupervisorRecord | null> {
  return readRecordFile(fileOf(folder));
}

async function readRecordFile(file: string): Promise<SupervisorRecord | null> {
  try {
    return SupervisorRecord.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return null;
  }
}

/** Writes it in one step: a reader sees the old one or the new one. */
export async function writeRecord(folder: string, record: SupervisorRecord): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${fileOf(folder)}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`);
  await rename(draft, fileOf(folder));
}

/** Writes a supervisor's first record, unless another supervisor runs on the folder: two would share its data. */
export async function claimRecord(folder: string, record: SupervisorRecord): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [file, draft, taken] = [
    fileOf(folder),
    `${fileOf(folder)}.${process.pid}`,
    `${fileOf(folder)}.${process.pid}.old`,
  ];
  await writeFile(draft, JSON.stringify(record));
  try {
    const before = await runningSupervisor(folder);
    if (before !== null) throw alreadyRunning(folder, before);
    // What is there belongs to a supervisor that is gone, unless another one has claimed the folder since we looked: so it is moved, and looked at.
    await rename(file, taken).catch(() => undefined);
    const moved = await readRecordFile(taken);
    if (moved !== null && (await isRunning(moved.process))) {
      await link(taken, file).catch(() => undefined);
      throw alreadyRunning(folder, moved);
    }
    await link(draft, file);
  } catch (error) {
    const other = await runningSupervisor(folder);
    throw other === null ? error : alreadyRunning(folder, other);
  } finally {
    await Promise.all([draft, taken].map((path) => rm(path, { force: true })));
  }
}

/** For whoever wants to start a second supervisor on one folder. */
export function alreadyRunning(folder: string, { process: { pid }, since, state }: SupervisorRecord): OperationError {
  return new OperationError("refused", {
    where: "sandbox",
    what: `a supervisor runs on ${folder} already (${state}, process ${pid}, since ${since}).`,
    next: "Wait for it or stop it with ./affexai sandbox down, or give this one a folder of its own in AFFEXAI_SANDBOX_DIR and other ports in AFFEXAI_SANDBOX_PORT.",
  });
}

/** The supervisor that runs on a state folder now, or null. */
export async function runningSupervisor(folder: string): Promise<SupervisorRecord | null> {
  const record = await readRecord(folder);
  return record !== null && (await isRunning(record.process)) ? record : null;
}

/** Ends the services whose supervisor was killed with -9. They stop by themselves then; this waits for it, and insists. Returns their names. */
export async function stopLeftovers(record: SupervisorRecord): Promise<string[]> {
  const stopped = await Promise.all(
    record.services.map(async (service) => {
      if (!(await isRunning(service.process))) return [];
      await stopProcess(service.process, [
        { signal: "SIGTERM", withinMs: 60_000 },
        { signal: "SIGKILL", withinMs: 5000 },
      ]);
      return [service.name];
    }),
  );
  return stopped.flat();
}

function fileOf(folder: string): string {
  return join(folder, "supervisor.json");
}
