import assert from "node:assert/strict";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import { readContents, readProtected } from "../../../operations/database/content.ts";
import { environment, type Environment } from "./support/platform.ts";

/** Values that differ and that PostgreSQL hashes alike, takes as equal or prints alike, among others; as SQL. */
const different: readonly [type: string, one: string, other: string][] = [
  ["bool", "true", "NULL"],
  ["int2", "0", "NULL"],
  ["int4", "1", "-1"],
  ["int8", "1", "4294967296"],
  ["int8", "0", "-4294967296"],
  ["numeric", "5", "-5"],
  ["numeric", "1.0", "1.00"],
  ["numeric", "'NaN'", "'Infinity'"],
  ["numeric(12,2)", "1", "0.01"],
  ["float4", "0", "'-0'"],
  ["float8", "0", "'-0'"],
  ["float8", "0.1", "0.10000000000000002"],
  ["text", "''", "NULL"],
  ["text", "'()'", "'(())'"],
  ["text COLLATE careless", "'a'", "'A'"],
  ["varchar(9)", "'a'", "'a '"],
  ["bpchar", "'a'", "'a '"],
  ["bytea", "'\\x00'", "'\\x0000'"],
  ["date", "'infinity'", "'-infinity'"],
  ["time", "'00:00'", "'24:00'"],
  ["timetz", "'12:00+00'", "'13:00+01'"],
  ["timestamp", "'2026-01-01 00:00:00'", "'2026-01-01 00:00:00.000001'"],
  ["timestamptz", "'2026-01-01 00:00:00Z'", "'2026-01-01 01:00:00Z'"],
  ["interval", "'1 day'", "'24 hours'"],
  ["uuid", "'00000000-0000-0000-0000-000000000001'", "'10000000-0000-0000-0000-000000000000'"],
  ["json", `'{"a":1}'`, `'{"a": 1}'`],
  ["jsonb", `'{"a":1.0}'`, `'{"a":1.00}'`],
  ["jsonb", "'null'", "NULL"],
  ["inet", "'10.0.0.1/8'", "'10.0.0.1/9'"],
  ["int4[]", "'{{1,2},{3,4}}'", "'{1,2,3,4}'"],
  ["int4[]", "'{1,2}'", "'[2:3]={1,2}'"],
  ["money", "1", "2"],
  ["mood", "'good'", "'bad'"],
  ["positive", "1", "2"],
  ["pair", "NULL", "ROW(NULL, NULL)"],
  ["pair", "ROW(1, 2)", "ROW(1, 3)"],
];

describe("the hash of a table's content", () => {
  let place: Environment;
  const read = <T>(work: Parameters<typeof withConnection<T>>[2]) =>
    withConnection(databaseAccess(place.env, "DATABASE_URL"), { applicationName: "affexai-test" }, work);
  const hash = async () => (await read(readContents)).find(({ table }) => table === "public.rows")?.hash;

  beforeEach(async () => {
    place = await environment();
    await place.sql(
      "migrator",
      `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TYPE pair AS (a int, b int); CREATE DOMAIN positive AS int8 CHECK (value > 0);
       CREATE COLLATION careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       CREATE FUNCTION alike(pair) RETURNS text IMMUTABLE RETURN 'a pair';
       CREATE CAST (pair AS text) WITH FUNCTION alike(pair)`,
    );
  });

  for (const [type, one, other] of different) {
    it(`of ${type}: tells ${one} from ${other}, and two rows that swap them from before`, async () => {
      await place.sql("migrator", `CREATE TABLE rows (id int, value ${type}); INSERT INTO rows VALUES (1, ${one})`);
      const before = await hash();
      await place.sql("migrator", `UPDATE rows SET value = ${other}`);
      assert.notEqual(await hash(), before);
      await place.sql("migrator", `INSERT INTO rows VALUES (2, ${one})`);
      const both = await hash();
      await place.sql("migrator", `UPDATE rows SET value = ${other}; UPDATE rows SET value = ${one} WHERE id = 1`);
      assert.notEqual(await hash(), both);
    });
  }

  it("is the same number for ever: the manifests of older backups hold it", async () => {
    await place.sql(
      "migrator",
      `CREATE TABLE rows (id int8, price numeric(12, 2), made timestamptz, mood mood, name text);
       INSERT INTO rows VALUES (1, 9.5, '2026-01-01Z', 'good', 'first'), (-2, NULL, 'infinity', NULL, 'Åse')`,
    );
    assert.equal(await hash(), "-1107239032588708024");
  });

  it("is there for a table of as many columns as PostgreSQL allows", async () => {
    const columns = Array.from({ length: 1600 }, (_, n) => `c${n} ${n % 2 === 0 ? "int4" : "mood"}`);
    await place.sql("migrator", `CREATE TABLE rows (${columns.join(", ")}); INSERT INTO rows (c7) VALUES ('good')`);
    const before = await hash();
    await place.sql("migrator", "UPDATE rows SET c7 = NULL, c9 = 'good'");
    assert.notEqual(await hash(), before);
  });

  for (const [from, to] of [
    ["int4", "int8"],
    ["int8", "numeric"],
    ["numeric(12,2)", "numeric"],
    ["varchar(9)", "mood"],
    ["mood", "text"],
  ] as const) {
    it(`of a protected table stays as it is when a column of ${from} becomes ${to}`, async () => {
      const value = /mood|char/.test(from) ? "'good'" : "12";
      await place.sql("migrator", `CREATE TABLE rows (id int, value ${from}); INSERT INTO rows VALUES (1, ${value})`);
      const tables = [{ table: "rows", columns: ["id", "value"] }];
      const before = await read((client) => readProtected(client, tables));
      await place.sql("migrator", `ALTER TABLE rows ALTER value TYPE ${to} USING value::text::${to}`);
      assert.deepEqual(await read((client) => readProtected(client, tables)), before);
    });
  }
});
