import { readFile } from "node:fs/promises";
import { execa } from "execa";

/** A process that can be recognised again after its number was given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the unit of the operating system; only ever compared with itself. */
  readonly startedAt: string;
}

/**
 * What identifies the process `pid` now, or null if there is none (a zombie counts as none: it holds nothing any more).
 * Linux: field 22 of /proc/PID/stat, the start time in clock ticks since boot (proc_pid_stat(5)), with the boot's id, since ticks begin again at
 * each boot. Elsewhere: `ps -o lstart=`.
 */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startedAt = process.platform === "linux" ? await startOnLinux(pid) : await startByPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether that very process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/** The command line of a process, its arguments joined by spaces, or null if there is no such process. */
export async function commandOf(pid: number): Promise<string | null> {
  if (process.platform === "linux") {
    const raw = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => null);
    return raw === null || raw === "" ? null : raw.split("\0").join(" ").trim();
  }
  const { stdout, failed } = await execa("ps", ["-p", `${pid}`, "-o", "command="], { reject: false });
  return failed || stdout.trim() === "" ? null : stdout.trim();
}

async function startOnLinux(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The second field is the executable's name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const ticks = fields[19];
  if (ticks === undefined || state === "Z" || state === "X") return null;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return `${boot.trim()}/${ticks}`;
}

async function startByPs(pid: number): Promise<string | null> {
  const { stdout, failed } = await execa("ps", ["-p", `${pid}`, "-o", "stat=,lstart="], { reject: false });
  const line = stdout.trim();
  return failed || line === "" || line.startsWith("Z") ? null : line.replace(/^\S+\s+/, "");
}
