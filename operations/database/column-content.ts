import type pg from "pg";
import { z } from "zod";
import { textHash } from "./content-hash.ts";
import { listTables } from "./content.ts";

/** The content of every table, column by column: for a comparison within one server, before and after a migration. */
export const ColumnContents = z.object({
  /** Rows that were written later have this transaction id or a newer one. */
  boundary: z.string().regex(/^\d+$/),
  tables: z
    .array(
      z.object({
        table: z.string(),
        /** Stays the same when the table is renamed. */
        oid: z.int(),
        rows: z.int(),
        /** The columns that tell one row from another: the primary key's; none when there is none. */
        key: z.array(z.string()).readonly(),
        columns: z
          .array(
            z.object({
              name: z.string(),
              /** Stays the same when the column is renamed; a column that is dropped and added again has another. */
              number: z.int(),
              /** Independent of the rows' order; each value counts together with its row's key. Null when the key is gone. */
              hash: z.string().nullable(),
            }),
          )
          .readonly(),
        /** Rows that no transaction has written since the boundary of the contents that these are compared with. */
        untouched: z.int(),
      }),
    )
    .readonly(),
});
export type ColumnContents = z.infer<typeof ColumnContents>;
export type ColumnContentsOfTable = ColumnContents["tables"][number];

interface Shape {
  readonly table: string;
  readonly oid: number;
  readonly key: readonly string[];
  readonly columns: readonly { readonly name: string; readonly number: number }[];
}

/**
 * Reads the contents of all tables in the connection's snapshot; with `since`, keyed by what the keys were then, so that both can be
 * compared. Values are taken as text, so a type that was widened keeps its hash.
 */
export async function readColumnContents(client: pg.Client, since: ColumnContents | null): Promise<ColumnContents> {
  const { rows } = await client.query<{ boundary: string }>(
    "SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS boundary",
  );
  const tables: ColumnContentsOfTable[] = [];
  for (const shape of await readShapes(client)) {
    const earlier = since === null ? undefined : tableBefore(since, shape);
    tables.push(await readTable(client, shape, since?.boundary ?? null, earlier));
  }
  return { boundary: rows[0]?.boundary ?? "0", tables };
}

/** What a table was before: of the same name, or renamed since. */
function tableBefore(since: ColumnContents, { table, oid }: Shape): ColumnContentsOfTable | undefined {
  return since.tables.find((one) => one.table === table) ?? since.tables.find((one) => one.oid === oid);
}

/** What became of a table: of the same name, or renamed since; undefined when it is gone. */
export function tableAfter(now: ColumnContents, { table, oid }: Shape): ColumnContentsOfTable | undefined {
  return now.tables.find((one) => one.table === table) ?? now.tables.find((one) => one.oid === oid);
}

/** What became of a column: of the same name, or renamed since; undefined when it is gone. */
export function columnAfter<Column extends Shape["columns"][number]>(
  { columns }: { readonly columns: readonly Column[] },
  { name, number }: { readonly name: string; readonly number: number },
): Column | undefined {
  return columns.find((one) => one.name === name) ?? columns.find((one) => one.number === number);
}

async function readShapes(client: pg.Client): Promise<Shape[]> {
  const tables = (await listTables(client)).map(({ table }) => table);
  const { rows } = await client.query<Shape>(
    `SELECT c.oid::regclass::text AS table, c.oid::int8::float8 AS oid,
            COALESCE((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_index i JOIN pg_attribute a
               ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary), '[]') AS key,
            COALESCE((SELECT json_agg(json_build_object('name', a.attname, 'number', a.attnum) ORDER BY a.attnum)
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
       FROM pg_class c WHERE c.oid = ANY($1::regclass[]::oid[]) ORDER BY 1`,
    [tables],
  );
  return rows;
}

async function readTable(
  client: pg.Client,
  shape: Shape,
  boundary: string | null,
  earlier: ColumnContentsOfTable | undefined,
): Promise<ColumnContentsOfTable> {
  const key = keyNow(shape, earlier);
  const columns = shape.columns.map(({ name }) => (key === null ? "NULL" : textHash([...key, name])));
  // A frozen row's age is the greatest there is.
  const untouched =
    boundary === null ? "count(*)" : `count(*) FILTER (WHERE age(xmin) > age(xid('${boundary}'::xid8)))`;
  const { rows } = await client.query<[string, string, ...(string | null)[]]>({
    text: `SELECT ${["count(*)::text", `(${untouched})::text`, ...columns].join(", ")} FROM ONLY ${shape.table}`,
    rowMode: "array",
  });
  const [count = "0", old = "0", ...hashes] = rows[0] ?? [];
  return {
    table: shape.table,
    oid: shape.oid,
    rows: Number(count),
    untouched: Number(old),
    key: earlier?.key ?? shape.key,
    columns: shape.columns.map((column, index) => ({ ...column, hash: hashes[index] ?? null })),
  };
}

/** The columns that now hold what the key held; null when one of them is gone. */
function keyNow(shape: Shape, earlier: ColumnContentsOfTable | undefined): string[] | null {
  if (earlier === undefined) return [...shape.key];
  const names = earlier.key.map((name) => {
    const before = earlier.columns.find((column) => column.name === name);
    return before === undefined ? undefined : columnAfter(shape, before)?.name;
  });
  return names.every((name) => name !== undefined) ? names : null;
}
