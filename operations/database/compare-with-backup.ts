import type { Manifest } from "../backup/manifest.ts";
import type { DatabaseFinding } from "./verify.ts";

export interface LiveFigures {
  readonly fingerprint: string;
  /** Names of the executed migrations. */
  readonly history: readonly string[];
  readonly counts: readonly { readonly table: string; readonly rows: number }[];
  readonly isProtected: ReadonlySet<string>;
}

/**
 * What the live database lacks of its newest backup. Rows come and go, so fewer of them are only a note; an empty or missing table, or a
 * protected one with fewer rows, is a finding. After a migration that the backup does not know, a table may be gone for good.
 */
export function compareWithBackup(
  live: LiveFigures,
  backup: Pick<Manifest, "id" | "takenAt" | "fingerprint" | "migrations" | "historyTable" | "tables"> | null,
): { findings: DatabaseFinding[]; notes: string[] } {
  if (backup === null) return { findings: [{ check: "backup", text: "there is none of this database" }], notes: [] };
  const since = `backup ${backup.id} of ${backup.takenAt}`;
  const counts = new Map(live.counts.map(({ table, rows }) => [table, rows]));
  const lost = backup.migrations.filter((name) => !live.history.includes(name));
  const newer = live.history.filter((name) => !backup.migrations.includes(name));
  const findings: DatabaseFinding[] = lost.map((name) => ({
    check: "migrations",
    text: `${name} had run at ${since}, and is not in the history any more`,
  }));
  const notes: string[] = [];
  if (lost.length === 0 && newer.length === 0 && live.fingerprint !== backup.fingerprint) {
    findings.push({
      check: "schema",
      text: `is not that of ${since}, and no migration ran since: somebody changed it by hand`,
    });
  }
  for (const { table, rows } of backup.tables) {
    const now = counts.get(table);
    if (now === undefined && newer.length === 0)
      findings.push({ check: "rows", text: `${table} had ${rows} rows in ${since}, and is gone` });
    else if (now === undefined)
      notes.push(`${table} had ${rows} rows in ${since}, and is gone; ${newer.join(", ")} ran since`);
    else if (now < rows && live.isProtected.has(table))
      findings.push({ check: "protected tables", text: `${table} had ${rows} rows in ${since}, and has ${now}` });
    else if (now === 0 && rows > 0)
      findings.push({ check: "rows", text: `${table} had ${rows} rows in ${since}, and is empty` });
    else if (now < rows) notes.push(`${table} had ${rows} rows in ${since}, and has ${now}`);
  }
  return { findings, notes };
}
