import type pg from "pg";
import { waitFor } from "../wait.ts";
import type { Context } from "../verb.ts";

const limitMs = 60_000;
const intervalMs = 100;

/** Ends every session that `condition` selects in pg_stat_activity, again and again until there is none: pools reconnect. */
export async function endSessions(
  client: pg.Client,
  what: string,
  condition: string,
  values: readonly unknown[],
  context: Pick<Context, "progress" | "signal">,
): Promise<void> {
  await waitFor(
    {
      what,
      timeoutMs: limitMs,
      intervalMs,
      next: "End these sessions by hand (pg_terminate_backend as a superuser) and run again.",
      async look() {
        const { rows } = await client.query<{ pid: number; user: string; name: string; ended: boolean }>(
          `SELECT pid, usename AS "user", application_name AS name, pg_terminate_backend(pid) AS ended
             FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ${condition}`,
          [...values],
        );
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
