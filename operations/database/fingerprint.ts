import { createHash } from "node:crypto";
import type pg from "pg";
import { readCatalog, type Catalog } from "./catalog.ts";

export interface Fingerprint {
  /** SHA-256 of the catalog, hex. */
  readonly sha256: string;
  readonly catalog: Catalog;
}

/**
 * The schema's fingerprint. Equal for equal schemas: the order of columns does not count (a dropped column that is added again is the
 * last one), nor do object ids, statistics or rights. TypeORM's own tables are left out, because it makes them before any migration
 * runs and outside its transaction.
 */
export async function readFingerprint(client: pg.Client, historyTable: string): Promise<Fingerprint> {
  const catalog = await readCatalog(client, [`public.${historyTable}`, "public.typeorm_metadata"]);
  return { sha256: createHash("sha256").update(catalog.lines.join("\n")).digest("hex"), catalog };
}

/** What one schema has and the other lacks, at most `limit` lines a side: `- table public.users column name = text`. */
export function describeDifference(before: Catalog, after: Catalog, limit = 5): string[] {
  const missing = before.lines.filter((line) => !after.lines.includes(line));
  const added = after.lines.filter((line) => !before.lines.includes(line));
  const side = (sign: string, lines: readonly string[]) => [
    ...lines.slice(0, limit).map((line) => `${sign} ${line}`),
    ...(lines.length > limit ? [`${sign} and ${lines.length - limit} more`] : []),
  ];
  return [...side("-", missing), ...side("+", added)];
}
