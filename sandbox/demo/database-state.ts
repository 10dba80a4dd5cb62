import pg from "pg";
import { readStack } from "../../operations/stack.ts";
import type { Progress } from "../../operations/progress.ts";
import type { ReleaseRecord } from "../../operations/release/spec.ts";
import { contextOf, type Stage } from "./stage.ts";

export interface DatabaseState {
  /** Hash over every row of every table that the release knows, in the columns that it knows, except what the load itself writes. */
  readonly rows: string;
  /** TypeORM's history. */
  readonly migrations: readonly string[];
}

/** Tables that users' requests write to while a release is under way. */
const writtenByUsers = new Set(["analytics_events", "system_logs"]);

/** What the database holds at this moment, as far as a release can see it. */
export async function databaseState(stage: Stage, record: ReleaseRecord, progress: Progress): Promise<DatabaseState> {
  const { databaseUrl } = await readStack(stage.stack, contextOf(stage, progress));
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const hashes: string[] = [];
    for (const [table, { columns }] of Object.entries(record.contract).sort()) {
      if (writtenByUsers.has(table)) continue;
      const list = Object.keys(columns)
        .sort()
        .map((column) => client.escapeIdentifier(column));
      const { rows } = await client.query<{ hash: string; count: string }>(
        `SELECT count(*) AS count, md5(coalesce(string_agg(md5(ROW(${list.join(", ")})::text), '' ORDER BY md5(ROW(${list.join(", ")})::text)), '')) AS hash FROM ${client.escapeIdentifier(table)}`,
      );
      hashes.push(`${table}:${rows[0]?.count ?? ""}:${rows[0]?.hash ?? ""}`);
    }
    const { rows: history } = await client.query<{ name: string }>("SELECT name FROM migrations ORDER BY id");
    return { rows: hashes.join("\n"), migrations: history.map(({ name }) => name) };
  } finally {
    await client.end();
  }
}
