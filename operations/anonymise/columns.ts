import type pg from "pg";

/** A column of a table that an application can write, as PostgreSQL's catalogue has it. */
export interface Column {
  /** Without `public.`: as rules name it. */
  readonly table: string;
  /** As SQL takes it. */
  readonly qualifiedTable: string;
  readonly name: string;
  /** As format_type prints it; a domain as what it is made of. */
  readonly type: string;
  /** Characters that fit, or null. */
  readonly length: number | null;
  readonly notNull: boolean;
  /** Computed by PostgreSQL from other columns. */
  readonly generated: boolean;
  readonly isEnum: boolean;
  /** Part of a primary key or of a foreign key, on either side. */
  readonly isKey: boolean;
  /** Of TypeORM's history of migrations. */
  readonly isHistory: boolean;
}

/** Columns of all tables, partitions under their parent's name; those of extensions are left out. */
export async function readColumns(client: pg.Client, historyTable: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS table,
            format('%I.%I', n.nspname, c.relname) AS "qualifiedTable", a.attname::text AS name,
            format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL) AS type,
            CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
            a.attnotnull AS "notNull", a.attgenerated <> '' AS generated, t.typtype = 'e' AS "isEnum",
            EXISTS (SELECT FROM pg_constraint k WHERE k.contype IN ('p', 'f')
                      AND ((k.conrelid = c.oid AND a.attnum = ANY (k.conkey)) OR (k.confrelid = c.oid AND a.attnum = ANY (k.confkey)))) AS "isKey",
            n.nspname = 'public' AND c.relname = $1 AS "isHistory"
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'affexai_anonymise')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY n.nspname, c.relname, a.attnum`,
    [historyTable],
  );
  return rows;
}

/** A foreign key, as far as emptying tables is concerned. */
export interface Reference {
  readonly table: string;
  readonly references: string;
}

export async function readReferences(client: pg.Client): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS table,
            CASE m.nspname WHEN 'public' THEN p.relname ELSE m.nspname || '.' || p.relname END AS references
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace m ON m.oid = p.relnamespace
      WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2`,
  );
  return rows;
}
