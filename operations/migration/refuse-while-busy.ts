import type { DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { OperationError } from "../error.ts";
import type { MigrationRecord } from "../release/spec.ts";
import { describeSession, sessionColumns, type Session } from "./blockers.ts";
import { lockedTables } from "./locked-tables.ts";

export interface Busyness {
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly pending: readonly Pick<MigrationRecord, "statements" | "class">[];
  /** Roles whose sessions end before the migration begins: the application's, when its writes are frozen. */
  readonly ending: readonly string[];
}

const oldSeconds = 60;

/**
 * Refuses to begin while a transaction has had a table that the migrations lock for longer than retries would wait for, or while
 * PostgreSQL vacuums one against the wraparound of transaction ids, which it does not give up for anybody. Everybody else who came
 * while a migration waits would queue behind it.
 */
export async function refuseWhileBusy(
  { access, applicationName, pending, ending }: Busyness,
  olderThanSeconds = oldSeconds,
): Promise<void> {
  const opaque = pending.some((migration) => migration.class === "OPAQUE");
  const locked = opaque ? "all" : await lockedTables(pending.flatMap(({ statements }) => statements));
  if (locked !== "all" && locked.size === 0) return;
  const rows = await withConnection(access, { applicationName }, async (client) => {
    const { rows: sessions } = await client.query<Session & { tables: string[]; wraparound: boolean }>(
      `WITH named AS (SELECT to_regclass(n) AS oid FROM unnest($1::text[]) n),
            locked AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.relkind IN ('r', 'p', 'm') AND CASE WHEN $1::text[] IS NULL THEN n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                              ELSE c.oid IN (SELECT oid FROM named UNION SELECT i.indrelid FROM named JOIN pg_index i ON i.indexrelid = named.oid) END),
            busy AS (SELECT l.pid, array_agg(DISTINCT l.relation::regclass::text) AS tables FROM pg_locks l
                       JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
                      WHERE l.locktype = 'relation' AND l.granted AND l.relation IN (SELECT oid FROM locked) GROUP BY l.pid)
       SELECT ${sessionColumns}, busy.tables, b.backend_type = 'autovacuum worker' AS wraparound
         FROM busy JOIN pg_stat_activity b USING (pid)
        WHERE b.pid <> pg_backend_pid() AND NOT COALESCE(b.usename, '') = ANY ($2::text[])
          AND CASE b.backend_type WHEN 'autovacuum worker' THEN b.query LIKE '%(to prevent wraparound)'
              ELSE b.xact_start < clock_timestamp() - make_interval(secs => $3) END
        ORDER BY b.xact_start`,
      [locked === "all" ? null : [...locked], ending, olderThanSeconds],
    );
    return sessions;
  });
  if (rows.length === 0) return;
  const lines = rows.map(({ tables, wraparound, ...session }) =>
    wraparound
      ? `  - ${tables.join(", ")}: PostgreSQL vacuums to prevent wraparound (pid ${session.pid}, for ${session.seconds ?? 0} s)`
      : `  - ${tables.join(", ")}: ${describeSession(session)}`,
  );
  throw new OperationError("refused", {
    where: `database ${access.database}`,
    what: `tables that the migrations have to lock are in use by old transactions, and users would queue behind the wait:\n${lines.join("\n")}\n`,
    next: "Wait for their end, or end them (a vacuum: let it finish), and run again; nothing was touched.",
  });
}
