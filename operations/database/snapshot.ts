import type pg from "pg";
import type { DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";

export interface Snapshot {
  /** For `pg_dump --snapshot`, as long as the transaction is open. */
  readonly id: string;
  /** Reads through it see exactly what pg_dump sees. */
  readonly client: pg.Client;
  /** By the server's clock, ISO 8601. */
  readonly takenAt: string;
  /** Where the write-ahead log stood. */
  readonly lsn: string;
}

/** Holds a snapshot open while `work` runs. Everything that is read in it, by whichever connection, is of one moment. */
export async function withSnapshot<T>(
  access: DatabaseAccess,
  applicationName: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  return withConnection(
    access,
    { applicationName, settings: { idle_in_transaction_session_timeout: "0" } },
    async (client) => {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const { rows } = await client.query<{ id: string; now: Date; lsn: string }>(
        `SELECT pg_export_snapshot() AS id, clock_timestamp() AS now,
                CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn`,
      );
      const [exported] = rows;
      if (exported === undefined) throw new Error("pg_export_snapshot gave no row");
      return work({ id: exported.id, client, takenAt: exported.now.toISOString(), lsn: exported.lsn });
    },
  );
}
