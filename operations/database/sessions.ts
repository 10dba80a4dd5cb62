import type pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { errorCode } from "./connection.ts";

const limitMs = 60_000;
const intervalMs = 100;

/**
 * Ends every session that `condition` selects in pg_stat_activity, again and again until there is none: pools reconnect. Throws an
 * OperationError that names who is left: after `withinMs`, and at once for a superuser's session, which only a superuser may end.
 */
export async function endSessions(
  client: pg.Client,
  what: string,
  condition: string,
  values: readonly unknown[],
  context: Pick<Context, "progress" | "signal">,
  withinMs = limitMs,
): Promise<void> {
  await waitFor(
    {
      what,
      timeoutMs: withinMs,
      intervalMs,
      next: "End these sessions by hand (pg_terminate_backend as a superuser) and run again.",
      async look() {
        const { rows } = await client.query<{ pid: number; user: string; name: string }>(
          `SELECT pid, usename AS "user", application_name AS name
             FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ${condition}`,
          [...values],
        );
        for (const { pid, user, name } of rows)
          await endSession(client, pid, `${user} (${name || "no name"}, pid ${pid})`);
        if (rows.length === 0) return { done: true, value: undefined };
        return {
          done: false,
          seen: rows.map(({ pid, user, name }) => `${user} (${name || "no name"}, pid ${pid})`).join(", "),
        };
      },
    },
    context,
  );
}

async function endSession(client: pg.Client, pid: number, session: string): Promise<void> {
  try {
    await client.query("SELECT pg_terminate_backend($1)", [pid]);
  } catch (error) {
    if (errorCode(error) !== "42501") throw error;
    throw new OperationError(
      "refused",
      {
        where: `the session of ${session}`,
        what: "may only be ended by a superuser.",
        next: "Close it and run again.",
      },
      { cause: error },
    );
  }
}
