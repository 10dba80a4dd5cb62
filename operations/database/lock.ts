import type pg from "pg";
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { OperationError } from "../error.ts";
import { onDatabase, type DatabaseAccess } from "./access.ts";
import { connect, serverError, withConnection } from "./connection.ts";
import { operationsDatabase } from "./operations-database.ts";

/** One run of a verb that changes a database, and the lock that it holds. */
export interface Run {
  /** Twelve hex digits; part of the names of databases that the run makes. */
  readonly id: string;
  /** `affexai-<id>`: the name of every connection of the run except the lock's. */
  readonly applicationName: string;
  /** On the operations database. Free for statements; the lock has a connection of its own. */
  readonly client: pg.Client;
  /** Throws unless this run still holds the lock. Called before what cannot be taken back. */
  assertHeld(): Promise<void>;
}

/** The name of the connection that holds the lock. While it is connected, the run is alive. */
export function lockName(runId: string): string {
  return `affexai-lock-${runId}`;
}

/** The name of the run's other connections. */
export function runName(runId: string): string {
  return `affexai-${runId}`;
}

/** How often, and how far apart in ms, a lock is asked for that nobody is seen to hold. */
const leavingTries = 50;
const leavingEveryMs = 100;

/** Another run holds the lock; nothing was touched. */
export class LockHeld extends OperationError {}

/**
 * Holds the database's advisory lock while `work` runs. The lock is taken in the operations database, because advisory locks belong to
 * one database and the application's is renamed by a restore. It ends with its connection, so a killed run leaves none.
 * Throws LockHeld (refused) while another run holds it; the message names that run.
 */
export async function withLock<T>(access: DatabaseAccess, work: (run: Run) => Promise<T>): Promise<T> {
  const id = randomBytes(6).toString("hex");
  const operations = onDatabase(access, operationsDatabase(access.database));
  const holder = await connect(operations, { applicationName: lockName(id), settings: { idle_session_timeout: "0" } });
  try {
    await takeLock(holder, access);
    const client = await connect(operations, { applicationName: runName(id), settings: { idle_session_timeout: "0" } });
    try {
      return await work({ id, applicationName: runName(id), client, assertHeld: () => assertHeld(holder, access) });
    } catch (error) {
      throw serverError(access, error);
    } finally {
      await client.end().catch(() => undefined);
    }
  } finally {
    await holder.end().catch(() => undefined);
  }
}

/** Refuses (LockHeld) while a run changes the database; what is not one itself, and would be in its way, asks first. */
export async function refuseWhileLocked(access: DatabaseAccess, applicationName: string): Promise<void> {
  const operations = onDatabase(access, operationsDatabase(access.database));
  await withConnection(operations, { applicationName }, async (client) => {
    const holder = await readHolder(client, access);
    if (holder !== null) throw isHeld(access, holder);
  });
}

function lockKey(access: DatabaseAccess): string {
  return `affexai:${access.database}`;
}

async function assertHeld(holder: pg.Client, access: DatabaseAccess): Promise<void> {
  const held = await holder
    .query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted")
    .catch((error: unknown) => error);
  if (!(held instanceof Error) && (held as pg.QueryResult).rowCount === 1) return;
  throw new OperationError(
    "stopped",
    {
      where: `database ${access.database}`,
      what: "the connection that holds the lock is gone, so another run may have begun.",
      next: "Run again: it finds out where this one stopped and goes on from there.",
    },
    { cause: held },
  );
}

/** Tries again while the lock is taken and nobody is seen to hold it: the session of a run that was killed is on its way out. */
async function takeLock(client: pg.Client, access: DatabaseAccess): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { rows } = await client.query<{ taken: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
      [lockKey(access)],
    );
    if (rows[0]?.taken === true) return;
    const holder = await readHolder(client, access);
    if (holder !== null) throw isHeld(access, holder);
    if (tries === leavingTries) throw isHeld(access, "another run, which is not seen");
    await delay(leavingEveryMs);
  }
}

/** Who holds the lock, for people; null when nobody does. */
async function readHolder(client: pg.Client, access: DatabaseAccess): Promise<string | null> {
  const { rows } = await client.query<{ name: string; address: string | null; since: Date }>(
    `SELECT a.application_name AS name, host(a.client_addr) AS address, a.backend_start AS since
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
        AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended($1, 0)`,
    [lockKey(access)],
  );
  const [holder] = rows;
  return holder === undefined
    ? null
    : `${holder.name.replace("affexai-lock-", "run ")} from ${holder.address ?? "the server itself"} since ${holder.since.toISOString()}`;
}

function isHeld(access: DatabaseAccess, who: string): LockHeld {
  return new LockHeld("refused", {
    where: `database ${access.database}`,
    what: `is being changed by ${who}.`,
    next: "Wait for it to end and run again; nothing was touched.",
  });
}
