import { chown, lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import type { User } from "../processes/unprivileged.ts";

export interface Cluster {
  /** The folder of PostgreSQL's programs. */
  readonly bin: string;
  /** The data folder to make; its parent exists. */
  readonly data: string;
  readonly superuser: string;
  readonly password: string;
  /** Made with the data folder and never again: an application's database may be renamed later. */
  readonly database: string;
  /** Who owns the data. */
  readonly user: User | undefined;
}

/**
 * Makes the data folder with its database unless it is there. It appears complete or not at all: initdb works in a folder beside it. The database
 * is made by a single-user backend, before anybody can connect, as the official image does it.
 */
export async function initialise({ bin, data, superuser, password, database, user }: Cluster): Promise<void> {
  if (await exists(data)) return;
  const draft = `${data}.new`;
  const passwordFolder = `${data}.password`;
  await rm(draft, { recursive: true, force: true });
  await rm(passwordFolder, { recursive: true, force: true });
  for (const folder of [draft, passwordFolder]) {
    await mkdir(folder, { mode: 0o700 });
    if (user !== undefined) await chown(folder, user.uid, user.gid);
  }
  try {
    const passwordFile = join(passwordFolder, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
    await execa(
      join(bin, "initdb"),
      [
        ...["--pgdata", draft, "--username", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256"],
        // The locale of PostgreSQL's own tests: the same order of strings on every machine.
        ...["--encoding", "UTF8", "--locale", "C", "--no-instructions", "--no-sync"],
      ],
      { ...user, cwd: "/", stdin: "ignore", env: { LC_ALL: "C", TZ: "UTC" }, timeout: 120_000 },
    );
  } finally {
    await rm(passwordFolder, { recursive: true, force: true });
  }
  if (database !== "postgres") {
    await execa(join(bin, "postgres"), ["--single", "-j", "-D", draft, "postgres"], {
      ...user,
      cwd: "/",
      input: `CREATE DATABASE ${pg.escapeIdentifier(database)};\n\n`,
      env: { LC_ALL: "C", TZ: "UTC" },
      timeout: 60_000,
    });
  }
  await rename(draft, data);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
