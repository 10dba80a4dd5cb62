import type pg from "pg";

/** What is wrong with a database's data or indexes; each list is of printable names, sorted. All empty in a sound database. */
export interface Integrity {
  /** Foreign keys with rows that point at nothing: `public.orders orders_user_fk: 3 rows`. */
  readonly brokenForeignKeys: readonly string[];
  readonly invalidIndexes: readonly string[];
  /** Constraints that hold for new rows only (NOT VALID): `public.orders orders_user_fk`. */
  readonly unvalidatedConstraints: readonly string[];
  /** Sequences behind the column that they fill, so that the next insert fails: `public.users_id_seq at 5, users.id at 9`. */
  readonly laggingSequences: readonly string[];
}

/** Looks at the data itself: a constraint that PostgreSQL calls validated can still be broken, and a dump of it cannot be restored. */
export async function readIntegrity(client: pg.Client): Promise<Integrity> {
  return {
    brokenForeignKeys: await brokenForeignKeys(client),
    invalidIndexes: await invalidIndexes(client),
    unvalidatedConstraints: await unvalidatedConstraints(client),
    laggingSequences: await laggingSequences(client),
  };
}

/** What is wrong after and was not before: a problem that was there already is not the migration's. */
export function integrityLosses(before: Integrity, after: Integrity): string[] {
  const keyName = (line: string) => line.replace(/: \d+ rows$/, "");
  const known = new Map(before.brokenForeignKeys.map((line) => [keyName(line), line]));
  return [
    ...after.brokenForeignKeys
      .filter((line) => rowsOf(line) > rowsOf(known.get(keyName(line)) ?? ""))
      .map((line) => `foreign key ${line} point at nothing`),
    ...after.invalidIndexes
      .filter((index) => !before.invalidIndexes.includes(index))
      .map((index) => `index ${index} is invalid`),
    ...after.unvalidatedConstraints
      .filter((constraint) => !before.unvalidatedConstraints.includes(constraint))
      .map((constraint) => `constraint ${constraint} is not validated: old rows may break it`),
    ...after.laggingSequences
      .filter((line) => !before.laggingSequences.some((one) => one.split(" ")[0] === line.split(" ")[0]))
      .map((line) => `sequence ${line}: the next insert fails`),
  ];
}

function rowsOf(line: string): number {
  return Number(/: (\d+) rows$/.exec(line)?.[1] ?? 0);
}

/**
 * One anti-join for each foreign key that PostgreSQL believes (MATCH SIMPLE: a key with a null in it points nowhere). Partitions answer
 * for their parent.
 */
export async function brokenForeignKeys(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; sql: string }>(
    `SELECT format('%s %I', conrelid::regclass, conname) AS name,
            format('SELECT count(*)::text AS rows FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s)', conrelid::regclass,
              (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ')
                 FROM unnest(conkey) k(n) JOIN pg_attribute a ON (a.attrelid, a.attnum) = (conrelid, k.n)),
              confrelid::regclass,
              (SELECT string_agg(format('p.%I = c.%I', pa.attname, ca.attname), ' AND ') FROM unnest(confkey, conkey) k(f, n)
                 JOIN pg_attribute pa ON (pa.attrelid, pa.attnum) = (confrelid, k.f)
                 JOIN pg_attribute ca ON (ca.attrelid, ca.attnum) = (conrelid, k.n))) AS sql
       FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND convalidated ORDER BY 1`,
  );
  const broken: string[] = [];
  // Operators of other types than pg_catalog's (citext, say) live in public.
  await client.query("SET search_path = pg_catalog, public");
  for (const { name, sql } of rows) {
    const orphans = await client.query<{ rows: string }>(sql);
    if (orphans.rows[0]?.rows !== "0") broken.push(`${name}: ${orphans.rows[0]?.rows ?? "?"} rows`);
  }
  await client.query("SET search_path = pg_catalog");
  return broken;
}

export async function invalidIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready) ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function unvalidatedConstraints(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    // PostgreSQL 18 knows constraints that are not enforced at all, by a column that older ones lack.
    `SELECT format('%s %I', conrelid::regclass, conname) AS name FROM pg_constraint k
      WHERE NOT convalidated AND conrelid <> 0 AND conparentid = 0 AND to_jsonb(k)->>'conenforced' IS DISTINCT FROM 'false' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

export async function laggingSequences(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ sequence: string; table: string; column: string }>(
    `SELECT s.oid::regclass::text AS sequence, t.oid::regclass::text AS table, quote_ident(a.attname) AS column
       FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
       JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
       JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
      WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
      ORDER BY 1`,
  );
  const lagging: string[] = [];
  for (const { sequence, table, column } of rows) {
    const looked = await client.query<{ last: string; newest: string }>(
      `SELECT s.last_value::text AS last, m.newest::text AS newest
         FROM ${sequence} s, (SELECT max(${column}) AS newest FROM ${table}) m
        WHERE m.newest > s.last_value OR (m.newest = s.last_value AND NOT s.is_called)`,
    );
    const [row] = looked.rows;
    if (row !== undefined) lagging.push(`${sequence} at ${row.last}, ${table}.${column} at ${row.newest}`);
  }
  return lagging;
}
