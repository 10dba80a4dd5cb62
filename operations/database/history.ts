import pg from "pg";

/** A row of TypeORM's history. */
export interface ExecutedMigration {
  readonly name: string;
  /** Milliseconds since 1970, from the migration's name: when it was written, not when it ran. */
  readonly timestamp: number;
}

/**
 * The executed migrations in the order they ran; none when the table does not exist. Reads only: TypeORM's own way of asking creates
 * the table (typeorm/typeorm#11672).
 */
export async function readHistory(client: pg.Client, historyTable: string): Promise<ExecutedMigration[]> {
  const table = `public.${pg.escapeIdentifier(historyTable)}`;
  const exists = await client.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [table]);
  if (exists.rows[0]?.found !== true) return [];
  const { rows } = await client.query<{ name: string; timestamp: string }>(
    `SELECT name::text, timestamp::text FROM ${table} ORDER BY id`,
  );
  return rows.map(({ name, timestamp }) => ({ name, timestamp: Number(timestamp) }));
}
