import type pg from "pg";
import { z } from "zod";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";
import { endSessionsOf, type FreezeTarget } from "./freeze.ts";

/** Rows that were ever inserted, updated and deleted, by table, as PostgreSQL's statistics count them. */
export const WriteCounters = z.record(z.string(), z.number());
export type WriteCounters = z.infer<typeof WriteCounters>;

/** Where the counters stand at a moment from which on nobody is to write. */
export async function readWriteCounters(access: DatabaseAccess, applicationName: string): Promise<WriteCounters> {
  return withConnection(access, { applicationName }, async (client) => {
    const { rows } = await client.query<{ table: string; writes: string }>(
      `SELECT format('%I.%I', schemaname, relname) AS table, (n_tup_ins + n_tup_upd + n_tup_del)::text AS writes
         FROM pg_stat_user_tables`,
    );
    return Object.fromEntries(rows.map(({ table, writes }) => [table, Number(writes)]));
  });
}

export interface Quiet {
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly since: WriteCounters;
}

/**
 * Tables that were written since, in spite of a freeze: it is a default of the application's role, and a session that says
 * `SET default_transaction_read_only = off` or `BEGIN READ WRITE` gets round it. A session adds what it did to the counters within ten
 * seconds and at its end at the latest, so the application's are ended first. `client` is on the operations database.
 */
export async function writtenInSpite(
  client: pg.Client,
  target: FreezeTarget,
  { access, applicationName, since }: Quiet,
  context: Context,
): Promise<string[]> {
  await endSessionsOf(client, target, context);
  const now = await readWriteCounters(access, applicationName);
  return Object.keys(now)
    .filter((table) => (now[table] ?? 0) > (since[table] ?? 0))
    .sort();
}
