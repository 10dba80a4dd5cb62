import { describeDifference } from "../../database/fingerprint.ts";
import type { Catalog } from "../../database/catalog.ts";
import type { TableContent } from "../../database/content.ts";
import type { MigrationFinding, MigrationRecord } from "../../release/spec.ts";
import { withRemedy } from "../finding.ts";
import type { Reached } from "./steps.ts";

/** A database at a gate. */
export interface Snapshot {
  readonly fingerprint: string;
  readonly catalog: Catalog;
  /** Null where only the schema was looked at. */
  readonly contents: readonly TableContent[] | null;
}

export interface RoundTrip {
  readonly before: Snapshot;
  readonly up: Snapshot;
  /** After `down`, and how it failed if it did; null when it was not tried. */
  readonly down: { readonly snapshot: Snapshot; readonly failure: Reached["failure"] } | null;
  /** After the second `up`; null when it was not tried. */
  readonly upAgain: { readonly snapshot: Snapshot; readonly failure: Reached["failure"] } | null;
}

export interface Verdict {
  readonly proven: boolean;
  readonly findings: readonly MigrationFinding[];
}

/** Whether the database is other than `up` alone makes it, so that what comes after has to be rehearsed on another one. */
export function isSpoiled(trip: RoundTrip): boolean {
  const { up, down, upAgain } = trip;
  if (down === null) return false;
  if (down.failure !== undefined) return down.snapshot.fingerprint !== up.fingerprint;
  return upAgain !== null && differences(trip).length > 0;
}

/**
 * What a migration's way up, down and up again has shown. Proven is a `down` after which the schema and the content of every table that
 * was there before are equal, and from which `up` leads to the same schema again. What it did to empty tables proves nothing.
 */
export function judgeRoundTrip(trip: RoundTrip, migration: Pick<MigrationRecord, "class" | "rehearsal">): Verdict {
  const { before, down, upAgain } = trip;
  if (down === null) return { proven: false, findings: [] };
  if (down.failure !== undefined) {
    const text = `\`down\` failed on the rehearsal: ${down.failure.message}.`;
    return { proven: false, findings: [found("down-fails", text)] };
  }
  const findings = differences(trip);
  if (findings.length > 0 || upAgain === null) return { proven: false, findings };
  // What was thrown away is not brought back, even if the copy happened to hold nothing of it.
  if (migration.class === "DESTROYS") return { proven: false, findings };
  const empty = migration.class === "SAFE" ? [] : emptyTouched(before.contents ?? [], migration.rehearsal);
  if (empty.length === 0) return { proven: true, findings };
  const text = `${empty.join(", ")} had no rows in the rehearsal, so nothing shows that \`down\` keeps them.`;
  return { proven: false, findings: [found("down-unproven-without-data", text, "SAFE")] };
}

/** Where the way back did not lead back, or the way there not to the same again. */
function differences({ before, up, down, upAgain }: RoundTrip): MigrationFinding[] {
  if (down === null) return [];
  const findings: MigrationFinding[] = [];
  if (down.snapshot.fingerprint !== before.fingerprint) {
    const difference = describeDifference(before.catalog, down.snapshot.catalog, 3).join("; ");
    findings.push(found("down-lies", `After \`down\` the schema is not what it was: ${difference}.`));
  }
  const lost = changedTables(before.contents ?? [], down.snapshot.contents ?? []);
  if (lost.length > 0) findings.push(found("down-loses-data", `After \`down\` ${lost.join("; ")}.`));
  if (upAgain?.failure !== undefined)
    findings.push(found("down-lies", `After \`down\` the migration cannot run again: ${upAgain.failure.message}.`));
  else if (upAgain !== null && upAgain.snapshot.fingerprint !== up.fingerprint)
    findings.push(found("down-lies", "After `down`, `up` makes another schema than the first time."));
  return findings;
}

/** Tables of the first that are not the same in the second, a phrase each. Columns are compared as far as they were there before. */
function changedTables(before: readonly TableContent[], after: readonly TableContent[]): string[] {
  const now = new Map(after.map((content) => [content.table, content]));
  return before.flatMap(({ table, columns, rows, hash }) => {
    const then = now.get(table);
    if (then === undefined) return [`${table} is gone`];
    if (then.rows !== rows) return [`${table} has ${then.rows} rows instead of ${rows}`];
    return then.hash === hash && then.columns.join() === columns.join() ? [] : [`${table} has other content`];
  });
}

const harmlessLocks = ["AccessShareLock", "RowShareLock", "ShareUpdateExclusiveLock", "ShareLock"];

/** Tables without a row that the migration wrote or altered. */
function emptyTouched(before: readonly TableContent[], rehearsal: MigrationRecord["rehearsal"]): string[] {
  const touched = new Set(
    (rehearsal?.statements ?? []).flatMap(({ locks }) =>
      Object.entries(locks)
        .filter(([, mode]) => !harmlessLocks.includes(mode))
        .map(([relation]) => relation),
    ),
  );
  return before
    .filter(({ rows }) => rows === 0)
    .map(({ table }) => table.replace(/^public\./, ""))
    .filter((table) => touched.has(table));
}

function found(
  rule: "down-fails" | "down-lies" | "down-loses-data" | "down-unproven-without-data",
  text: string,
  kind: "WARN" | "SAFE" = "WARN",
): MigrationFinding {
  return withRemedy({ rule, class: kind, text }, null);
}
