import pg from "pg";
import { brokenForeignKeys } from "../database/integrity.ts";
import { OperationError } from "../error.ts";
import type { Column } from "./columns.ts";
import type { TablePlan } from "./judge.ts";
import { maskedForms, schema } from "./masks.ts";

export interface Masked {
  readonly columns: readonly Column[];
  readonly plan: readonly TablePlan[];
  /** Rows before, by table as SQL takes it. */
  readonly before: ReadonlyMap<string, string>;
  readonly published: readonly string[];
}

/** Masked values of these kinds come from so many that none is another's original; numbers and dates never stay what they were. */
const unmistakable = ["email", "name", "phone", "ip", "text"];
/** Who they belong to is known wherever they stand. */
const identifying = ["email", "phone", "ip"];
// The word boundaries keep long digests and keys out of it.
const emailPattern = "[[:alnum:]._%+-]+@[[:alnum:]-]+(\\.[[:alnum:]-]+)*\\.[[:alpha:]]{2,}";
const phonePattern = "(^|[^[:alnum:]])(\\+[1-9][0-9 ()/.-]{6,}[0-9]|0[1-9][0-9]{1,4}[ /-][0-9 -]{4,}[0-9])";
const ibanPattern = "\\m[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\\M";

/**
 * Looks for what must not be in a masked database: an original value of a masked column, in it or (addresses and numbers) in any other
 * text; anything that looks like an e-mail address, a telephone number or an IBAN; and losses: rows, foreign keys. Throws an
 * OperationError (refused) that lists columns and counts, never values.
 */
export async function verifyMasked(client: pg.Client, masked: Masked): Promise<void> {
  const problems = [
    ...(await survivors(client, masked)),
    ...(await scan(client, masked)),
    ...(await lostRows(client, masked)),
    ...(await brokenForeignKeys(client)).map((key) => `foreign key ${key} point at nothing`),
  ];
  if (problems.length === 0) return;
  throw new OperationError("refused", {
    where: "the masked copy",
    what: `is not fit to leave: ${problems.join("; ")}.`,
    next: "Correct the rules (mask, null, truncate, keep paths; `published` for what is public anyway); nothing was exported.",
  });
}

/** Rows of each table that is not emptied, as text: larger numbers than JavaScript's. */
export async function countRows(client: pg.Client, tables: readonly string[]): Promise<Map<string, string>> {
  const counts = new Map<string, string>();
  for (const table of new Set(tables)) {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*)::text AS count FROM ${table}`);
    counts.set(table, rows[0]?.count ?? "0");
  }
  return counts;
}

async function survivors(client: pg.Client, { columns, plan }: Masked): Promise<string[]> {
  const found: string[] = [];
  const emptied = new Set(plan.filter(({ truncate }) => truncate).map(({ table }) => table));
  for (const { table, qualifiedTable, name, type } of columns) {
    if (emptied.has(table)) continue;
    const value = `${pg.escapeIdentifier(name)}::text`;
    const { rows } = await client.query<{ place: string; count: string }>(
      `SELECT o.place, count(*)::text AS count FROM ${qualifiedTable} t
         JOIN ${schema}.original o ON o.digest = sha256(convert_to(${value}, 'UTF8'))
        WHERE ${value} <> '' AND ((o.place = $1 AND o.kind = ANY ($2)) OR ($4 AND o.kind = ANY ($3)))
        GROUP BY 1 ORDER BY 1`,
      [`${table}.${name}`, unmistakable, identifying, holdsText(type)],
    );
    found.push(
      ...rows.map(({ place, count }) => `${table}.${name} has ${count} rows with an original value of ${place}`),
    );
  }
  return found;
}

async function scan(client: pg.Client, { columns, plan, published }: Masked): Promise<string[]> {
  const found: string[] = [];
  const emptied = new Set(plan.filter(({ truncate }) => truncate).map(({ table }) => table));
  for (const { table, qualifiedTable, name, type, isHistory } of columns) {
    if (emptied.has(table) || isHistory || !holdsText(type)) continue;
    // What is public anyway, and masks, are taken out first.
    const text = `regexp_replace(${published.reduce(
      (sql, one) => `replace(${sql}, ${pg.escapeLiteral(one)}, '')`,
      `${pg.escapeIdentifier(name)}::text`,
    )}, $1, '', 'g')`;
    const { rows } = await client.query<{ emails: string; phones: string }>(
      `SELECT count(*) FILTER (WHERE value ~ $2)::text AS emails, count(*) FILTER (WHERE value ~ $3)::text AS phones
         FROM (SELECT ${text} AS value FROM ${qualifiedTable}) v`,
      [maskedForms, emailPattern, phonePattern],
    );
    const [{ emails, phones } = { emails: "0", phones: "0" }] = rows;
    const candidates = await client.query<{ iban: string }>(
      `SELECT DISTINCT m[1] AS iban FROM (SELECT ${text} AS value FROM ${qualifiedTable}) v, regexp_matches(value, $2, 'g') m LIMIT 100000`,
      [maskedForms, `(${ibanPattern})`],
    );
    const ibans = candidates.rows.filter(({ iban }) => isIban(iban)).length;
    for (const [what, count] of [
      ["e-mail addresses", Number(emails)],
      ["telephone numbers", Number(phones)],
      ["IBANs", ibans],
    ] as const)
      if (count > 0) found.push(`${table}.${name} still has ${what} in ${count} rows`);
  }
  return found;
}

async function lostRows(client: pg.Client, { plan, before }: Masked): Promise<string[]> {
  const kept = plan.filter(({ truncate }) => !truncate).map(({ qualifiedTable }) => qualifiedTable);
  const after = await countRows(client, kept);
  return kept
    .filter((table) => after.get(table) !== before.get(table))
    .map((table) => `${table} has ${after.get(table) ?? "?"} rows instead of ${before.get(table) ?? "?"}`);
}

/** Everything but what cannot hold an address or a number: types that PostgreSQL made of text, and lists of them. */
function holdsText(type: string): boolean {
  return !/^(boolean|smallint|integer|bigint|numeric|real|double precision|oid|interval|uuid|bytea|date|(time|timestamp) (with|without) time zone)(\[\])?$/.test(
    type,
  );
}

/** By its check digits, ISO 7064 MOD 97-10: without them every second word in capitals would be one. */
export function isIban(text: string): boolean {
  const iban = text.replaceAll(" ", "");
  if (iban.length < 15 || iban.length > 34) return false;
  const digits = `${iban.slice(4)}${iban.slice(0, 4)}`.replace(/[A-Z]/g, (letter) => `${letter.charCodeAt(0) - 55}`);
  return /^\d+$/.test(digits) && BigInt(digits) % 97n === 1n;
}
