import pg from "pg";

export interface Column {
  readonly name: string;
  /** As pg_type names it, without its modifier: `int4`, `varchar`. Null for every type that is not PostgreSQL's own. */
  readonly type: string | null;
}

/** Types whose hash depends on all of a value, and on nothing else. */
const hashedWhole = new Set(["bool", "int2", "int4", "date", "uuid", "bytea"]);

/** The same for strings, once no language says which of them are equal. */
const strings = new Set(["text", "varchar"]);

/**
 * Types whose hash leaves something out, and what gives all their bytes: PostgreSQL folds 64 bits into 32 before it hashes them, takes
 * numerics without their sign and scale, makes no difference between 0 and -0 or before char's blanks, and has no hash for json.
 */
const sentBy = new Map([
  ["int8", "int8send"],
  ["numeric", "numeric_send"],
  ["float4", "float4send"],
  ["float8", "float8send"],
  ["time", "time_send"],
  ["timestamp", "timestamp_send"],
  ["timestamptz", "timestamptz_send"],
  ["interval", "interval_send"],
  ["bpchar", "bpcharsend"],
  ["json", "json_send"],
  ["jsonb", "jsonb_send"],
]);

/**
 * SQL of 64 bits of a table's rows over some of its columns, which count in the order given: a hash of each row, summed, so that the order of
 * rows does not count. The sum of bigint is a numeric and cannot overflow. A record's hash is linear in its fields', and two rows that swap a
 * value would leave the sum as it was; hashed once more it is not.
 *
 * What it costs while pg_dump runs, and while writes are frozen, decides whether a backup can be exact. For 4 million rows of two integers, a
 * numeric, a timestamp and two texts the hash of a row's text takes 1.5 times as long. The numbers are the same on every version of
 * PostgreSQL, because they decide which partition a row is in; on a big-endian machine they are others.
 */
export function exactHash(columns: readonly Column[]): string {
  const fields: string[] = [];
  const asText: string[] = [];
  for (const { name, type } of columns) {
    const column = pg.escapeIdentifier(name);
    const send = sentBy.get(type ?? "");
    if (send !== undefined) fields.push(`${send}(${column})`);
    else if (type !== null && hashedWhole.has(type)) fields.push(column);
    else if (type !== null && strings.has(type)) fields.push(`${column} COLLATE "C"`);
    else asText.push(name);
  }
  if (asText.length > 0) fields.push(rowText(asText));
  return summed(`hash_record_extended(ROW(int8send(hash_record_extended(ROW(${fields.join(", ")}), 0))), 0)`);
}

/** The same of the rows' text: slower, and it stays as it is when a column gets another type in which its values read as before. */
export function textHash(columns: readonly string[]): string {
  return summed(`hashtextextended(${rowText(columns)}, 0)`);
}

/**
 * What the types themselves print, whatever casts somebody has defined. The oids of enums and of other types that a database defines are part
 * of their bytes, and a restore changes them; they are no part of their text.
 */
function rowText(columns: readonly string[]): string {
  return `ROW(${columns.map((column) => pg.escapeIdentifier(column)).join(", ")})::text COLLATE "C"`;
}

function summed(hash: string): string {
  return `COALESCE(sum(${hash}), 0)::text`;
}
