import { readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { databaseAccess, onDatabase, type DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";
import { operationsDatabase } from "./operations-database.ts";

/** What a way back needs beside the live database. `bytes`: at least; `copies`: of the live database. */
export interface SpaceNeed {
  readonly copies: number;
  readonly bytes?: number;
}

/**
 * What the server has too little space for, a phrase; says for people what is needed where nobody knows what is there. A client of
 * PostgreSQL cannot ask for free space: it is looked up where the server runs on this machine and its folder is known, and otherwise
 * DATABASE_FREE_BYTES tells it (`df --output=avail -B1 <folder>` on the server).
 */
export async function spaceProblems(
  client: pg.Client,
  access: DatabaseAccess,
  { copies, bytes = 0 }: SpaceNeed,
  { env, progress }: Pick<Context, "env" | "progress">,
): Promise<string[]> {
  const told = toldBytes(env);
  const { rows } = await client.query<{ bytes: string | null }>(
    "SELECT pg_database_size(oid)::text AS bytes FROM pg_database WHERE datname = $1",
    [access.database],
  );
  const needed = Math.max(Number(rows[0]?.bytes ?? 0) * copies, bytes);
  const free = (await seenBytes(access, env)) ?? told;
  if (free === null)
    progress.note(
      `about ${needed} bytes are needed on the server beside the live database; DATABASE_FREE_BYTES tells how many are free`,
    );
  return free === null || free >= needed
    ? []
    : [`the server has ${free} bytes free, and about ${needed} are needed beside the live database`];
}

function toldBytes({ DATABASE_FREE_BYTES: text = "" }: Context["env"]): number | null {
  if (text === "") return null;
  if (/^\d+$/.test(text)) return Number(text);
  throw new OperationError("usage", {
    where: "DATABASE_FREE_BYTES",
    what: `is ${text}, and has to be a whole number of bytes.`,
    next: "Give what `df --output=avail -B1 <folder of the data>` says on the server, or leave it out.",
  });
}

async function seenBytes(access: DatabaseAccess, env: Context["env"]): Promise<number | null> {
  if (!env.ADMIN_DATABASE_URL || !/^(localhost|127\.|::1$)/.test(access.hostAddress ?? access.host)) return null;
  const admin = onDatabase(databaseAccess(env, "ADMIN_DATABASE_URL"), operationsDatabase(access.database));
  try {
    return await withConnection(admin, { applicationName: "affexai-preflight" }, async (client) => {
      const { rows } = await client.query<{ folder: string; started: string }>(
        `SELECT current_setting('data_directory') AS folder,
                floor(extract(epoch FROM pg_postmaster_start_time()))::text AS started`,
      );
      const { folder = "", started } = rows[0] ?? {};
      // A tunnel's near end is local too: only the server that runs in this folder since then is the one that answers.
      const here = (await readFile(join(folder, "postmaster.pid"), "utf8")).split("\n")[2];
      if (!(Math.abs(Number(here) - Number(started)) <= 10)) return null;
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    });
  } catch {
    // Near by its address only, or not to be read.
    return null;
  }
}
