import pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { errorCode, withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { OperationError } from "../error.ts";
import { Journal } from "../journal.ts";
import type { Context, Verb } from "../verb.ts";
import { keptName } from "./restored-names.ts";
import { KeptDropResult, KeptDropSpec, KeptListResult, KeptSpec, type KeptDatabase } from "./spec.ts";

const dayMs = 86_400_000;

/** The databases that swaps replaced, oldest first. */
export const listKept: Verb<typeof KeptSpec, typeof KeptListResult> = {
  spec: KeptSpec,
  result: KeptListResult,
  async run({ days }, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    return onOperations(access, async (client) => ({ kept: await readKept(client, access.database, days) }));
  },
};

/** Drops one by its name. What is in it is lost, unless it is in the live database or a backup. */
export const dropKept: Verb<typeof KeptDropSpec, typeof KeptDropResult> = {
  spec: KeptDropSpec,
  result: KeptDropResult,
  async run({ name }, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    return onOperations(access, async (client) => {
      await drop(client, await findKept(client, access, name), context);
      return { dropped: [name] };
    });
  },
};

/**
 * Drops those that were replaced more than `days` ago by the server's clock. One whose run is not closed in the journal stays: its existence
 * tells the next run that the swap was done. So does one of which the journal knows nothing, and one that somebody reads.
 */
export const dropExpiredKept: Verb<typeof KeptSpec, typeof KeptDropResult> = {
  spec: KeptSpec,
  result: KeptDropResult,
  async run({ days }, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    return onOperations(access, async (client) => {
      const dropped: string[] = [];
      for (const kept of await readKept(client, access.database, days)) {
        if (!kept.expired || !kept.closed) continue;
        try {
          await drop(client, kept, context);
          dropped.push(kept.name);
        } catch (error) {
          if (!(error instanceof OperationError)) throw error;
          context.progress.note(error.message);
        }
      }
      return { dropped };
    });
  },
};

/** One of the kept databases, by its name. Refuses any other database, the serving one before all. */
export async function findKept(client: pg.Client, access: DatabaseAccess, name: string): Promise<KeptDatabase> {
  const kept = await readKept(client, access.database, 0);
  const found = kept.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new OperationError("refused", {
    where: `database ${name}`,
    what:
      name === access.database ? "is the one that serves." : `is not one that a swap of ${access.database} replaced.`,
    next:
      kept.length === 0
        ? "No replaced database is kept; nothing was touched."
        : `Name one of: ${kept.map((one) => one.name).join(", ")}. Nothing was touched.`,
  });
}

/** Runs `work` on the operations database of `access`. */
export function onOperations<T>(access: DatabaseAccess, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const operations = onDatabase(access, operationsDatabase(access.database));
  return withConnection(operations, { applicationName: "affexai-kept" }, work);
}

async function readKept(client: pg.Client, database: string, days: number): Promise<KeptDatabase[]> {
  await Journal.open(client);
  const { rows } = await client.query<{
    name: string;
    bytes: string;
    at: Date | null;
    closed: boolean | null;
    now: Date;
  }>(
    `SELECT d.datname::text AS name, pg_database_size(d.oid)::text AS bytes, clock_timestamp() AS now,
            COALESCE(s.finished, s.started) AS at, r.finished IS NOT NULL AS closed
       FROM pg_database d
       LEFT JOIN public.step s ON s.name = 'swap' AND s.detail->>'kept' = d.datname
       LEFT JOIN public.run r ON r.id = s.run
      WHERE d.datname ~ $1 ORDER BY at NULLS FIRST, d.datname`,
    [`^${keptName(database, "[0-9a-f]{12}")}$`],
  );
  return rows.map(({ name, bytes, at, closed, now }) => ({
    name,
    bytes: Number(bytes),
    keptAt: at?.toISOString() ?? null,
    closed: closed === true,
    expired: at !== null && now.getTime() - at.getTime() > days * dayMs,
  }));
}

async function drop(client: pg.Client, { name, closed, keptAt }: KeptDatabase, context: Context): Promise<void> {
  if (keptAt !== null && !closed) {
    throw new OperationError("refused", {
      where: `database ${name}`,
      what: "belongs to a run that was killed after its swap and is not closed in the journal.",
      next: "Run what was killed again, or `affexai backup restore`: either closes it first. Nothing was touched.",
    });
  }
  // Dropping would wait five seconds for the same answer.
  const readers = await client.query("SELECT FROM pg_stat_activity WHERE datname = $1 LIMIT 1", [name]);
  if (readers.rowCount === 1) throw isRead(name);
  try {
    await context.progress.step(`drop ${name}, kept since ${keptAt ?? "an unknown time"}`, () =>
      client.query(`DROP DATABASE ${pg.escapeIdentifier(name)}`),
    );
  } catch (error) {
    throw errorCode(error) === "55006" ? isRead(name) : error;
  }
}

function isRead(name: string): OperationError {
  return new OperationError("refused", {
    where: `database ${name}`,
    what: "is being read by somebody.",
    next: "Wait for the end of it and run again.",
  });
}
