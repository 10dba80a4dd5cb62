import pg from "pg";
import { exactHash, textHash, type Column } from "./content-hash.ts";
import type { ProtectedTable } from "./spec.ts";

export interface TableContent {
  /** Schema and name, quoted where needed: `public.users`. */
  readonly table: string;
  /** Columns that the hash is over, sorted. */
  readonly columns: readonly string[];
  readonly rows: number;
  /** Independent of the order of rows and columns, and of the server's version. Null when only rows were counted. */
  readonly hash: string | null;
}

interface Table {
  readonly table: string;
  /** By name. */
  readonly columns: readonly Column[];
}

/** Ordinary tables and partitions with their columns. Views, and tables of extensions, hold nothing of their own. */
export async function listTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT c.oid::regclass::text AS table,
            COALESCE(json_agg(json_build_object('name', a.attname,
              'type', CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname END)
              ORDER BY a.attname COLLATE "C") FILTER (WHERE a.attname IS NOT NULL), '[]') AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND e.classid = 'pg_class'::regclass AND e.objid = c.oid)
      GROUP BY c.oid ORDER BY c.oid::regclass::text COLLATE "C"`,
  );
  return rows;
}

/** Counts every table exactly. */
export async function countRows(client: pg.Client): Promise<TableContent[]> {
  const counted: TableContent[] = [];
  for (const { table } of await listTables(client)) counted.push(await readContent(client, table, [], "NULL"));
  return counted;
}

/** Counts and hashes every table over all its columns: what a manifest says and a restore is compared with. */
export async function readContents(client: pg.Client): Promise<TableContent[]> {
  const contents: TableContent[] = [];
  for (const { table, columns } of await listTables(client)) {
    const names = columns.map(({ name }) => name);
    contents.push(await readContent(client, table, names, exactHash(columns)));
  }
  return contents;
}

/**
 * Counts and hashes protected tables over their declared columns. A table or column that does not exist (yet, or any more) is left
 * out: the caller sees it missing. A column whose type was changed and whose values read as before has the same hash.
 */
export async function readProtected(
  client: pg.Client,
  protectedTables: readonly ProtectedTable[],
): Promise<TableContent[]> {
  const tables = new Map((await listTables(client)).map(({ table, columns }) => [table, columns]));
  const contents: TableContent[] = [];
  for (const declared of protectedTables) {
    const table = qualified(declared.table);
    const present = tables.get(table);
    if (present === undefined) continue;
    const columns = declared.columns.filter((column) => present.some(({ name }) => name === column)).sort();
    contents.push(await readContent(client, table, columns, textHash(columns)));
  }
  return contents;
}

/** How PostgreSQL prints a table's name under an empty search path: `users` and `public.users` become `public.users`. */
export function qualified(table: string): string {
  return table.includes(".") ? table : `public.${quoted(table)}`;
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : pg.escapeIdentifier(name);
}

async function readContent(
  client: pg.Client,
  table: string,
  columns: readonly string[],
  hash: string,
): Promise<TableContent> {
  const { rows } = await client.query<{ rows: string; hash: string | null }>(
    `SELECT count(*)::text AS rows, ${columns.length === 0 ? "NULL" : hash} AS hash FROM ONLY ${table}`,
  );
  return { table, columns, rows: Number(rows[0]?.rows), hash: rows[0]?.hash ?? null };
}
