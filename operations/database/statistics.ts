import type pg from "pg";

/**
 * Makes the planner's statistics of every table and materialized view of a database. Those of the system's own tables come with every new
 * database and are kept by autovacuum; ANALYZE without names would make them too, and warn of each that belongs to the server. Partitions come
 * with the table that is named: https://www.postgresql.org/docs/15/sql-analyze.html
 */
export async function makeStatistics(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ relation: string }>(
    `SELECT c.oid::regclass::text AS relation FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`,
  );
  if (rows.length > 0) await client.query(`ANALYZE ${rows.map(({ relation }) => relation).join(", ")}`);
}
