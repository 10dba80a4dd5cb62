import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { z } from "zod";
import type { SalvageTable } from "./salvage-tables.ts";
import type { SalvagedTable } from "./spec.ts";

export interface TableSalvage {
  /** In a transaction, like `live`. */
  readonly kept: pg.Client;
  readonly live: pg.Client;
  readonly table: SalvageTable;
  /** Undefined when the live database has no such table. */
  readonly liveTable: SalvageTable | undefined;
  /** ISO 8601. */
  readonly since: string | null;
  readonly out: string;
}

/** A row as it is compared: digests of its key and content, in hex. */
interface Row {
  readonly key: string;
  readonly content: string;
  /** Where it is in its table. */
  readonly ctid: string;
  readonly wanted: boolean;
}

const fetchRows = 2000;
const quoted = pg.escapeIdentifier;

/**
 * Compares one table of the two databases and exports the rows that the live one lacks. Both are read in the order of their keys' digests,
 * which the servers sort, and merged: memory stays the same for any number of rows.
 */
export async function salvageTable({ kept, live, table, liveTable, since, out }: TableSalvage): Promise<SalvagedTable> {
  const shared =
    liveTable === undefined ? table.columns : table.columns.filter((one) => liveTable.columns.includes(one));
  const hasKey = table.primaryKey.length > 0 && table.primaryKey.every((column) => shared.includes(column));
  const digests = hasKey
    ? { key: digest(table.primaryKey), content: digest(shared) }
    : { key: digest(shared), content: "''" };
  const sinceColumns = since === null ? [] : table.dated;
  const wanted =
    sinceColumns.length === 0 || since === null
      ? "true"
      : `COALESCE(GREATEST(${sinceColumns.map((one) => `${quoted(one)}::timestamptz`).join(", ")}) >= ${pg.escapeLiteral(since)}::timestamptz, false)`;
  const name = encodeURIComponent(table.name);
  const missing = new Export(kept, table, join(out, `${name}.missing.csv`));
  const changed = new Export(kept, table, join(out, `${name}.changed.csv`));
  let onlyLive = 0;
  const inLive = liveTable === undefined ? none() : rowsOf(live, table.name, { ...digests, wanted: "true" });
  try {
    let other = await inLive.next();
    for await (const row of rowsOf(kept, table.name, { ...digests, wanted })) {
      for (; other.done !== true && other.value.key < row.key; other = await inLive.next()) onlyLive += 1;
      if (other.done === true || other.value.key > row.key) {
        if (row.wanted) await missing.add(row.ctid);
        continue;
      }
      if (other.value.content !== row.content && row.wanted) await changed.add(row.ctid);
      other = await inLive.next();
    }
    for (; other.done !== true; other = await inLive.next()) onlyLive += 1;
  } finally {
    await missing.end();
    await changed.end();
  }
  return {
    table: table.name,
    comparedBy: hasKey ? "primary key" : "content",
    missing: missing.rows,
    changed: changed.rows,
    onlyLive,
    onlyKeptColumns: table.columns.filter((column) => !shared.includes(column)),
    sinceColumns: [...sinceColumns],
  };
}

function digest(columns: readonly string[]): string {
  return columns.length === 0 ? "''" : `md5(ROW(${columns.map(quoted).join(", ")})::text)`;
}

async function* none(): AsyncGenerator<Row, undefined> {}

async function* rowsOf(
  client: pg.Client,
  table: string,
  { key, content, wanted }: Record<"key" | "content" | "wanted", string>,
): AsyncGenerator<Row, undefined> {
  await client.query(
    `DECLARE salvage NO SCROLL CURSOR FOR
     SELECT ${key} COLLATE "C" AS key, ${content} AS content, ctid::text AS ctid, ${wanted} AS wanted FROM ONLY ${table} ORDER BY 1`,
  );
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${fetchRows} FROM salvage`);
    if (rows.length === 0) break;
    yield* rows;
  }
  await client.query("CLOSE salvage");
}

/** A CSV file, made with its first row. */
class Export {
  rows = 0;
  readonly #client: pg.Client;
  readonly #table: SalvageTable;
  readonly #path: string;
  #file: FileHandle | undefined;
  #waiting: string[] = [];

  constructor(client: pg.Client, table: SalvageTable, path: string) {
    this.#client = client;
    this.#table = table;
    this.#path = path;
  }

  async add(ctid: string): Promise<void> {
    this.rows += 1;
    this.#waiting.push(ctid);
    if (this.#waiting.length >= fetchRows) await this.#write();
  }

  async end(): Promise<void> {
    try {
      await this.#write();
    } finally {
      await this.#file?.close();
    }
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const header = this.#file === undefined;
    // Rows of the application: for this user alone.
    this.#file ??= await open(this.#path, "wx", 0o600);
    const columns = this.#table.columns.map(quoted).join(", ");
    // Nobody writes to a kept database, so a row stays where it was seen.
    const places = `${pg.escapeLiteral(`{${this.#waiting.map((ctid) => `"${ctid}"`).join(",")}}`)}::tid[]`;
    const query = `COPY (SELECT ${columns} FROM ONLY ${this.#table.name} WHERE ctid = ANY(${places})) TO STDOUT (FORMAT csv, HEADER ${header})`;
    this.#waiting = [];
    for await (const chunk of this.#client.query(copyTo(query)))
      await this.#file.appendFile(z.instanceof(Buffer).parse(chunk));
  }
}
