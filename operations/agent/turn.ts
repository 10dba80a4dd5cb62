import { databaseAccess, onDatabase } from "../database/access.ts";
import { connect } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import type { Context } from "../verb.ts";

/**
 * Does `work` while this agent is the only one that works on the database. The turn is an advisory lock in the operations database, on a
 * connection of its own: it ends with the process, also with a killed one, and when the connection breaks `work` is told to stop by
 * its signal. Returns whether it was this agent's turn; another one's is not waited for.
 */
export async function whileItIsOurTurn(
  { env, signal }: Pick<Context, "env" | "signal">,
  work: (turn: { readonly signal: AbortSignal; held(): Promise<void> }) => Promise<void>,
): Promise<boolean> {
  const live = databaseAccess(env, "DATABASE_URL");
  const holder = await connect(onDatabase(live, operationsDatabase(live.database)), {
    applicationName: "affexai-agent",
    settings: { idle_session_timeout: "0" },
  });
  const lost = new AbortController();
  holder.once("end", () => lost.abort(new Error("the connection that holds the agent's turn is gone")));
  try {
    const { rows } = await holder.query<{ taken: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
      [`affexai-agent:${live.database}`],
    );
    if (rows[0]?.taken !== true) return false;
    await work({
      signal: AbortSignal.any([signal, lost.signal]),
      // A connection that broke without a word is noticed by using it.
      async held() {
        await holder.query("SELECT 1").catch((error: unknown) => lost.abort(error));
        lost.signal.throwIfAborted();
      },
    });
    return true;
  } finally {
    await holder.end().catch(() => undefined);
  }
}
