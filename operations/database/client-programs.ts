import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../error.ts";
import { run } from "../process.ts";
import type { Context } from "../verb.ts";

/** PostgreSQL's client programs, all of one installation. */
export interface ClientPrograms {
  readonly pgDump: string;
  readonly pgDumpall: string;
  readonly pgRestore: string;
  /** For example `15.18`. */
  readonly version: string;
  readonly major: number;
}

/**
 * Finds programs that can dump a server: pg_dump refuses a server newer than itself. Looks on PATH, then where Debian and Homebrew
 * keep other versions. Throws an OperationError (refused) that names what was found.
 */
export async function clientPrograms(env: Context["env"], serverMajor: number): Promise<ClientPrograms> {
  const seen: string[] = [];
  for (const folder of ["", ...(await versionedFolders())]) {
    const pgDump = join(folder, "pg_dump");
    const version = await versionOf(pgDump, env);
    if (version === null) continue;
    const major = Number(version.split(".")[0]);
    if (major >= serverMajor) {
      return { pgDump, pgDumpall: join(folder, "pg_dumpall"), pgRestore: join(folder, "pg_restore"), version, major };
    }
    seen.push(version);
  }
  throw new OperationError("refused", {
    where: "pg_dump",
    what: `the server is PostgreSQL ${serverMajor}, and ${seen.length === 0 ? "no pg_dump was found" : `pg_dump is ${seen.join(" and ")}`}: it cannot dump a newer server.`,
    next: `Install the PostgreSQL ${serverMajor} client programs (postgresql-client-${serverMajor}) and run again; nothing was touched.`,
  });
}

async function versionedFolders(): Promise<string[]> {
  const roots = [
    { root: "/usr/lib/postgresql", bin: "bin" },
    { root: "/opt/homebrew/opt", bin: "bin" },
  ];
  const folders: string[] = [];
  for (const { root, bin } of roots) {
    const names = await readdir(root).catch(() => []);
    folders.push(...names.filter((one) => /^(postgresql@|libpq$)?\d*$/.test(one)).map((one) => join(root, one, bin)));
  }
  return folders.sort().reverse();
}

async function versionOf(pgDump: string, env: Context["env"]): Promise<string | null> {
  try {
    const { stdout } = await run({
      file: pgDump,
      arguments: ["--version"],
      env: { PATH: env.PATH },
      timeoutMs: 15_000,
    });
    return /(\d+(\.\d+)?)/.exec(stdout)?.[1] ?? null;
  } catch (error) {
    if (error instanceof OperationError && error.kind === "refused") return null;
    throw error;
  }
}
