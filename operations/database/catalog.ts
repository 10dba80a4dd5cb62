import type pg from "pg";

/** A schema, without anything that depends on when or in which order it was made: what a fingerprint is taken of. */
export interface Catalog {
  /** One line for each object and each of its parts, sorted: `table public.users column email = character varying(255) not null`. */
  readonly lines: readonly string[];
}

// Objects of extensions belong to the extension, and those of the system to the server.
const own = (oid: string, catalog: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND e.classid = '${catalog}'::regclass AND e.objid = ${oid})`;
const userSchema = (oid: string) =>
  `${oid} IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')`;
const userTable = `${userSchema("c.relnamespace")} AND ${own("c.oid", "pg_class")} AND NOT c.oid::regclass::text = ANY($1)`;

const kinds = `CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END`;

/** Each gives rows of one text column. $1: names of tables to leave out, qualified. */
const queries = [
  `SELECT format('schema %I', n.nspname) FROM pg_namespace n WHERE ${userSchema("n.oid")} AND ${own("n.oid", "pg_namespace")}`,
  `SELECT format('%s %s = %s%s%s%s%s', ${kinds}, c.oid::regclass,
          CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END,
          CASE WHEN c.relrowsecurity THEN ', row security' ELSE '' END, CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END,
          CASE WHEN c.relkind = 'p' THEN ', partitioned by ' || pg_get_partkeydef(c.oid) ELSE '' END,
          CASE WHEN c.relispartition THEN ', partition ' || pg_get_expr(c.relpartbound, c.oid) ELSE '' END)
     FROM pg_class c WHERE c.relkind IN ('r', 'p', 'f') AND ${userTable}`,
  `SELECT format('%s %s = %s', ${kinds}, c.oid::regclass, pg_get_viewdef(c.oid))
     FROM pg_class c WHERE c.relkind IN ('v', 'm') AND ${userTable}`,
  `SELECT format('table %s inherits %s', i.inhrelid::regclass, i.inhparent::regclass)
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind IN ('r', 'p') AND ${userTable}`,
  `SELECT format('table %s column %I = %s%s%s%s%s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
          CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation ELSE '' END,
          CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
          CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END,
          CASE WHEN d.adbin IS NULL THEN '' WHEN a.attgenerated <> '' THEN ' generated ' || pg_get_expr(d.adbin, d.adrelid)
               ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END)
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND ${userTable}`,
  // PostgreSQL 18 also lists NOT NULL here ('n'); the column says it already, on every version. A foreign key to a partitioned table has
  // one below it for each partition, which PostgreSQL makes by itself under names that depend on the order, and no dump holds.
  `SELECT format('table %s constraint %I = %s%s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid),
          CASE WHEN k.convalidated THEN '' ELSE ' (not validated)' END)
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.contype <> 'n' AND NOT (k.contype = 'f' AND k.conparentid <> 0) AND ${userTable}`,
  // An invalid index is not part of a dump, and an integrity problem of its own.
  `SELECT format('table %s index %s', c.oid::regclass, pg_get_indexdef(i.indexrelid))
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisvalid AND ${userTable}`,
  `SELECT format('table %s trigger %s (%s)', c.oid::regclass, pg_get_triggerdef(t.oid), t.tgenabled)
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND ${userTable}`,
  `SELECT format('table %s rule %s', c.oid::regclass, pg_get_ruledef(r.oid))
     FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relkind NOT IN ('v', 'm') AND ${userTable}`,
  `SELECT format('table %s policy %I = %s %s to %s using %s check %s', c.oid::regclass, p.polname,
          CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, p.polcmd,
          (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',' ORDER BY 1) FROM unnest(p.polroles) r),
          pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
     FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE ${userTable}`,
  // The sequence behind a column left out goes with its table.
  `SELECT format('sequence %s = %s start %s increment %s min %s max %s%s', c.oid::regclass, format_type(s.seqtypid, NULL),
          s.seqstart, s.seqincrement, s.seqmin, s.seqmax, CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END)
     FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
    WHERE ${userTable} AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
          AND o.deptype IN ('a', 'i') AND o.refobjid::regclass::text = ANY($1))`,
  `SELECT format('enum %s = %s', t.oid::regtype, (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
          FROM pg_enum l WHERE l.enumtypid = t.oid))
     FROM pg_type t WHERE t.typtype = 'e' AND ${userSchema("t.typnamespace")} AND ${own("t.oid", "pg_type")}`,
  `SELECT format('domain %s = %s%s%s%s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod),
          CASE WHEN t.typnotnull THEN ' not null' ELSE '' END, COALESCE(' default ' || t.typdefault, ''),
          (SELECT string_agg(' ' || pg_get_constraintdef(k.oid), '' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype <> 'n'))
     FROM pg_type t WHERE t.typtype = 'd' AND ${userSchema("t.typnamespace")} AND ${own("t.oid", "pg_type")}`,
  `SELECT format('type %s = %s', c.oid::regclass, (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
     FROM pg_class c WHERE c.relkind = 'c' AND ${userTable}`,
  `SELECT format('routine %s = %s', p.oid::regprocedure, CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END)
     FROM pg_proc p WHERE ${userSchema("p.pronamespace")} AND ${own("p.oid", "pg_proc")}`,
] as const;

/** Reads the schema as the connection's snapshot sees it. `except`: qualified names of tables to leave out. */
export async function readCatalog(client: pg.Client, except: readonly string[]): Promise<Catalog> {
  const lines: string[] = [];
  for (const query of queries) {
    const { rows } = await client.query<{ format: string }>({
      text: query,
      values: query.includes("$1") ? [except] : [],
    });
    lines.push(...rows.map(({ format }) => format));
  }
  return { lines: lines.sort() };
}
