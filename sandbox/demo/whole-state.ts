import { databaseAccess } from "../../operations/database/access.ts";
import { withConnection } from "../../operations/database/connection.ts";
import { readContents } from "../../operations/database/content.ts";
import { describeDifference, readFingerprint, type Fingerprint } from "../../operations/database/fingerprint.ts";

/** All that can be told about a database: its schema, and for every table how many rows it has and a hash over them. */
export interface WholeState {
  readonly schema: Fingerprint;
  /** By qualified table. */
  readonly contents: ReadonlyMap<string, { readonly rows: number; readonly hash: string | null }>;
}

/** Reads everything in one snapshot. `url` is of a role that may read everything. */
export async function wholeState(url: string): Promise<WholeState> {
  const access = databaseAccess({ DATABASE_URL: url }, "DATABASE_URL");
  return withConnection(access, { applicationName: "affexai-demo" }, async (client) => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const schema = await readFingerprint(client, "migrations");
    const contents = await readContents(client);
    return { schema, contents: new Map(contents.map(({ table, rows, hash }) => [table, { rows, hash }])) };
  });
}

export interface Damage {
  readonly sameFingerprint: boolean;
  /** What the schema has more or less, a line each. */
  readonly schemaLines: number;
  /** Tables whose hash is another, or that are gone. */
  readonly changedTables: readonly string[];
  readonly rowsLost: number;
}

/** What became of a database between two moments. */
export function damageBetween(before: WholeState, after: WholeState): Damage {
  const changed = [...before.contents].filter(([table, { hash }]) => after.contents.get(table)?.hash !== hash);
  return {
    sameFingerprint: before.schema.sha256 === after.schema.sha256,
    schemaLines: describeDifference(before.schema.catalog, after.schema.catalog, Infinity).length,
    changedTables: changed.map(([table]) => table.replace("public.", "")),
    rowsLost: changed.reduce(
      (sum, [table, { rows }]) => sum + Math.max(0, rows - (after.contents.get(table)?.rows ?? 0)),
      0,
    ),
  };
}

/** Nothing is other than before. */
export function isUnharmed({ sameFingerprint, changedTables }: Damage): boolean {
  return sameFingerprint && changedTables.length === 0;
}
