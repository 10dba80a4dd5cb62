import fc from "fast-check";
import pg from "pg";

const text = (value: string) => pg.escapeLiteral(value);

/** Text that survives no careless quoting: PostgreSQL takes every character but NUL, and no lone surrogate. */
const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }).map((value) => value.replaceAll("\0", "")),
  fc.constantFrom(
    "",
    "NULL",
    "\\N",
    "\\.",
    'O\'Brien "said" so',
    "tab\there\nnew line\r\n",
    "$$ $1 %I {} ()",
    "🙂 Grüße",
    "{a,b}",
    "x\\",
  ),
);

/** Over 8 kB that do not compress: stored out of line. The same for the same number. */
const large = fc.nat(1000).map((n) => `(SELECT string_agg(md5('${n}-' || i), '') FROM generate_series(1, 400) i)`);

const whole = (bits: number) =>
  fc.bigInt({ min: -(2n ** BigInt(bits - 1)) + 1n, max: 2n ** BigInt(bits - 1) - 1n }).map((value) => `${value}`);
const special = (...values: string[]) => fc.constantFrom(...values.map(text));
const json = fc.json({ maxDepth: 2 }).map((value) => value.replaceAll("\\u0000", ""));

/** SQL expressions of values, by column type. Types in double quotes are those that `ownTypes` makes. */
export const values = {
  smallint: whole(16),
  integer: whole(32),
  bigint: whole(64),
  numeric: fc.oneof(
    special("NaN", "Infinity", "-Infinity", "0.00", "1e-30", "123456789012345678901234567890.5"),
    whole(64),
  ),
  "numeric(12,3)": whole(24),
  real: fc.oneof(
    special("NaN", "Infinity", "-0", "1e-38"),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map((n) => `'${n}'`),
  ),
  "double precision": fc.oneof(
    special("NaN", "-Infinity", "-0"),
    fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })
      .map((n) => `'${Math.abs(n) < 1e-300 ? 0 : n}'`),
  ),
  money: special("-92233720368547758.08", "0.01", "12.50"),
  text: fc.oneof({ weight: 5, arbitrary: anyText.map(text) }, { weight: 1, arbitrary: large }),
  "character varying(40)": anyText.map((value) => text([...value].slice(0, 20).join(""))),
  "character(5)": special("", "ab", "12345"),
  bytea: fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => `'\\x${Buffer.from(bytes).toString("hex")}'::bytea`),
    large.map((one) => `decode(${one}, 'hex')`),
  ),
  boolean: fc.constantFrom("true", "false"),
  date: special("infinity", "-infinity", "4713-01-01 BC", "2024-02-29", "5874897-12-31"),
  time: special("00:00", "24:00", "12:34:56.789012"),
  "time with time zone": special("12:00+05:30", "00:00-15"),
  timestamp: special("infinity", "0044-03-15 12:00 BC", "2026-03-29 02:30", "294276-12-31 23:59:59.999999"),
  "timestamp with time zone": special("-infinity", "2026-10-25 02:30+02", "1970-01-01 00:00:00.000001+00"),
  interval: special("1 mon -1 day 00:00:00.000001", "-178000000 years", "P1Y2M3DT4H5M6S"),
  uuid: fc.uuid().map(text),
  json: fc.oneof(json.map(text), special('{"b": 1, "a":  2, "a": 3}', "null", " [1,\n 2] ")),
  jsonb: fc.oneof(json.map(text), special('{"b": 1, "a": {"n": 1.10}}', "null", '"\\ud83d\\ude42"')),
  inet: special("10.1.2.3", "10.1.2.3/8", "::1", "2001:db8::/64"),
  cidr: special("10.0.0.0/8", "2001:db8::/32"),
  macaddr: special("08:00:2b:01:02:03"),
  "bit(5)": special("00000", "10110"),
  "bit varying(12)": special("", "1", "101010101010"),
  int4range: special("empty", "[1,10)", "(,5]", "(,)"),
  numrange: special("empty", "(1.5,NaN]", "[0,)"),
  tstzrange: special("empty", "[2026-01-01,infinity)", "(,2026-01-01]"),
  int8multirange: special("{}", "{[1,3),[7,9)}", "{(,)}"),
  "text[]": fc
    .array(fc.option(anyText), { maxLength: 4 })
    .map((list) => `ARRAY[${list.map((one) => (one === null ? "NULL" : text(one))).join(", ")}]::text[]`),
  "integer[]": special("{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:2]={7,8,9}"),
  "jsonb[]": special('{"{\\"a\\": 1}",NULL}', "{}"),
  point: special("(1,-2)", "(Infinity,NaN)"),
  polygon: special("((0,0),(1,1),(2,0))"),
  tsvector: special("'fat':2A 'rat':3", ""),
  tsquery: special("fat & !rat <-> 'o''clock'", ""),
  xml: special("<a b='c'>&lt;</a>", "text only"),
  '"Mood"': fc.constantFrom("'good'", "'it''s bad'", "'Ünsure'"),
  '"Mood"[]': special('{good,NULL,"it\'s bad"}', "{}"),
  positive: fc.constantFrom("'1'", "'0.5'", "'99999.99'"),
  '"Address"': special('("Main ""St"" 5",12,)', '(,,"{a,""b c""}")', '("",0,{})'),
  '"Address"[]': special('{"(\\"x y\\",1,)",NULL}'),
  span: special("[1.5,2.5]", "empty"),
} as const satisfies Record<string, fc.Arbitrary<string>>;

export type ColumnType = keyof typeof values;
export const columnTypes = Object.keys(values) as readonly ColumnType[];

/** The types that a schema brings itself. */
export const ownTypes: readonly string[] = [
  `CREATE TYPE "Mood" AS ENUM ('good', 'it''s bad', 'Ünsure')`,
  'CREATE DOMAIN positive AS numeric(10,2) DEFAULT 1 CONSTRAINT "more than 0" CHECK (VALUE > 0)',
  `CREATE TYPE "Address" AS (street text, "No." int, tags text[])`,
  "CREATE TYPE span AS RANGE (subtype = double precision, subtype_diff = float8mi)",
];

/** Types that a B-tree can be built on, whatever the value. */
export const indexable: ReadonlySet<ColumnType> = new Set<ColumnType>([
  "integer",
  "bigint",
  "numeric",
  "boolean",
  "date",
  "timestamp with time zone",
  "uuid",
  "inet",
  "interval",
  '"Mood"',
  "positive",
  "int4range",
]);
