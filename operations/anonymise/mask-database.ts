import { createHash } from "node:crypto";
import pg from "pg";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { TablePlan } from "./judge.ts";
import { functions, schema } from "./masks.ts";

/**
 * The two halves of an HMAC-SHA-256 key as PostgreSQL settings, for a connection's start: they stand in no statement.
 * https://www.rfc-editor.org/rfc/rfc2104
 */
export function keySettings(key: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(key);
  const block = Buffer.alloc(64);
  (bytes.length > 64 ? createHash("sha256").update(bytes).digest() : bytes).copy(block);
  const padded = (pad: number) => Buffer.from(block.map((byte) => byte ^ pad)).toString("hex");
  return { "affexai.inner": padded(0x36), "affexai.outer": padded(0x5c) };
}

/**
 * Masks a scratch database as planned, and remembers digests of the original values in a schema of its own. Foreign keys are taken off
 * meanwhile and put on again at the end, which proves them; triggers of the application do not run.
 */
export async function maskDatabase(
  client: pg.Client,
  plan: readonly TablePlan[],
  { progress }: Context,
): Promise<void> {
  await client.query(functions);
  for (const { table, qualifiedTable, changes } of plan) {
    for (const { column, kind } of changes) {
      const value = `${pg.escapeIdentifier(column.name)}::text`;
      await client.query(
        `INSERT INTO ${schema}.original
         SELECT DISTINCT $1, $2, sha256(convert_to(${value}, 'UTF8')) FROM ${qualifiedTable} WHERE ${value} <> ''`,
        [`${table}.${column.name}`, kind],
      );
    }
  }
  await client.query(`CREATE INDEX ON ${schema}.original (digest)`);
  await client.query(`ANALYZE ${schema}.original`);
  const keys = await foreignKeys(client);
  const triggers = await enabledTriggers(client);
  for (const { table, name } of keys) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  for (const { table, name } of triggers) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ${name}`);
  const emptied = plan.filter(({ truncate }) => truncate).map(({ qualifiedTable }) => qualifiedTable);
  if (emptied.length > 0) await client.query(`TRUNCATE ${emptied.join(", ")}`);
  for (const { table, qualifiedTable, changes } of plan) {
    if (changes.length === 0) continue;
    const sets = changes.map(({ column, sql }) => `${pg.escapeIdentifier(column.name)} = ${sql}`);
    await progress.step(`mask ${table}`, () =>
      client.query(`UPDATE ${qualifiedTable} SET ${sets.join(", ")}`).catch((error: unknown) => {
        throw unmasked(table, error);
      }),
    );
  }
  for (const { table, name, enable } of triggers) await client.query(`ALTER TABLE ${table} ${enable} TRIGGER ${name}`);
  for (const { table, name, definition } of keys)
    await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
}

/** Takes away what masking needed. What the dump then holds is the application's own. */
export async function forgetOriginals(client: pg.Client): Promise<void> {
  await client.query(`DROP SCHEMA ${schema} CASCADE`);
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

async function foreignKeys(client: pg.Client): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
       FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 2`,
  );
  return rows;
}

async function enabledTriggers(client: pg.Client): Promise<{ table: string; name: string; enable: string }[]> {
  const { rows } = await client.query<{ table: string; name: string; enable: string }>(
    `SELECT tgrelid::regclass::text AS table, quote_ident(tgname) AS name,
            CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END AS enable
       FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0 AND tgenabled IN ('O', 'A') ORDER BY 1, 2`,
  );
  return rows;
}

/** PostgreSQL's message may quote a row: only its code and the name of what it is about are passed on. */
function unmasked(table: string, error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const about = error.constraint ?? error.column ?? "nothing by name";
  return new OperationError("failed", {
    where: `table ${table}`,
    what: `cannot be masked as the rules say: SQLSTATE ${error.code ?? "unknown"}, about ${about}.`,
    next: "Choose another mask for the columns of that constraint; nothing was exported.",
  });
}
