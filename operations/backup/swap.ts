import pg from "pg";
import { onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { endSessions } from "../database/sessions.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { carryOver } from "./carry-over.ts";

export interface Swap {
  /** The migrator's, on the database that serves: the name that applications connect to. */
  readonly access: DatabaseAccess;
  /** The restored one, which takes that name. */
  readonly restored: string;
  /** What the one that served until now is called from then on; it stays, closed to connections. */
  readonly kept: string;
  /** How long the database may be closed while its sessions are ended, before it is opened again. Default 10 s. */
  readonly closedAtMostMs?: number;
}

export interface Swapped {
  /** Seconds in which nobody could connect. */
  readonly closedSeconds: number;
  /** Settings that were not carried over, as the statements that a superuser has to run. */
  readonly lostSettings: readonly string[];
}

const name = pg.escapeIdentifier;

/**
 * Puts the restored database in the place of the one that serves, in one transaction of two renames. `client` is on another database.
 * Settings, rights and the connection limit are carried over before; the write freeze is not. If it fails, also because the connection
 * broke or a session would not end, the old one serves again.
 */
export async function swapDatabases(client: pg.Client, swap: Swap, context: Context): Promise<Swapped> {
  const { database } = swap.access;
  const swapped = await context.progress.step(`swap ${swap.restored} in, keeping ${swap.kept}`, async (progress) => {
    const inside = { ...context, progress };
    const lostSettings = await progress.step("carry settings and rights over", (inner) =>
      carryOver(client, { access: swap.access, to: swap.restored }, { ...context, progress: inner }),
    );
    const closed = performance.now();
    await exchange(client, swap, inside);
    return { closedSeconds: Math.round(performance.now() - closed) / 1000, lostSettings };
  });
  context.progress.note(`${database} is the restored one; ${swap.kept} is kept, closed to connections`);
  return swapped;
}

async function exchange(client: pg.Client, swap: Swap, context: Context): Promise<void> {
  const { access, restored, kept, closedAtMostMs = 10_000 } = swap;
  const { database } = access;
  const { progress } = context;
  try {
    await progress.step(`close ${database}`, () =>
      client.query(`ALTER DATABASE ${name(database)} ALLOW_CONNECTIONS false`),
    );
    await progress.step(`end the sessions in ${database}`, (inner) =>
      endSessions(
        client,
        `the end of all sessions in ${database} and ${restored}`,
        "datname = ANY($1)",
        [[database, restored]],
        { ...context, progress: inner },
        closedAtMostMs,
      ),
    );
    await progress.step("rename both", async () => {
      await client.query("BEGIN");
      await client.query(`ALTER DATABASE ${name(database)} RENAME TO ${name(kept)}`);
      await client.query(`ALTER DATABASE ${name(restored)} RENAME TO ${name(database)}`);
      await client.query("COMMIT");
    });
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    if (await happened(swap, progress)) return;
    throw error;
  }
}

/**
 * After a failure: whether the renames were committed all the same (an answer can be lost). If not, opens the database again, over a
 * connection of its own and even when the run was cancelled, and waits for a server that is restarting.
 */
async function happened({ access, kept }: Swap, progress: Context["progress"]): Promise<boolean> {
  const { database } = access;
  const operations = onDatabase(access, operationsDatabase(database));
  return waitFor(
    {
      what: `${database} open again`,
      timeoutMs: 120_000,
      intervalMs: 200,
      next: `Run again, or: ALTER DATABASE ${name(database)} ALLOW_CONNECTIONS true.`,
      async look() {
        try {
          const value = await withConnection(operations, { applicationName: "affexai-reopen" }, async (client) => {
            const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [kept]);
            if (rowCount === 1) return true;
            await client.query(`ALTER DATABASE ${name(database)} ALLOW_CONNECTIONS true`);
            return false;
          });
          return { done: true, value };
        } catch (error) {
          return { done: false, seen: error instanceof Error ? error.message : String(error) };
        }
      },
    },
    { progress, signal: new AbortController().signal },
  );
}
