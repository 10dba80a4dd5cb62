import type pg from "pg";

/** A table of either database, as far as rows are compared. */
export interface SalvageTable {
  /** Schema and name, quoted where needed. */
  readonly name: string;
  /** In the table's order. */
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order; empty without one. */
  readonly primaryKey: readonly string[];
  /** Columns that hold a date or a time with a date. */
  readonly dated: readonly string[];
}

/** Ordinary tables and partitions that do not belong to an extension, by name. */
export async function readSalvageTables(client: pg.Client): Promise<SalvageTable[]> {
  const { rows } = await client.query<SalvageTable>(
    `SELECT c.oid::regclass::text AS name,
            COALESCE((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS columns,
            COALESCE((SELECT array_agg(a.attname::text ORDER BY k.place)
                        FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place), pg_attribute a
                       WHERE i.indrelid = c.oid AND i.indisprimary AND (a.attrelid, a.attnum) = (c.oid, k.number)), '{}') AS "primaryKey",
            COALESCE((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)), '{}') AS dated
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND e.classid = 'pg_class'::regclass AND e.objid = c.oid)
      ORDER BY c.oid::regclass::text COLLATE "C"`,
  );
  return rows;
}
