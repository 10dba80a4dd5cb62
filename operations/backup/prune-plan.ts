import type { BackupReason } from "./spec.ts";

/** A complete backup, as pruning sees it. */
export interface Prunable {
  readonly id: string;
  readonly reason: BackupReason;
  /** When it was begun, as its id says. */
  readonly begunAt: Date;
  /** Whether it counts for the minimum: its manifest could be read, and it holds the environment's own data. */
  readonly counted: boolean;
  /** Whether the last drill of it has proven it. */
  readonly drilled: boolean;
}

export interface Retention {
  /** Days that a backup is kept, by why it was made. */
  readonly keep: Readonly<Record<BackupReason, number>>;
  /** As many of the newest stay, and of the newest drilled ones. */
  readonly minimum: number;
  /** Ids of those that a release may have to go back to. */
  readonly needed: ReadonlySet<string>;
}

const dayMs = 86_400_000;

/**
 * Which backups have had their time. Age alone never decides: when backups stop being made the last ones are all there is, so the newest
 * `minimum` stay, the newest `minimum` that were drilled, and whatever a release needs.
 */
export function expired(backups: readonly Prunable[], { keep, minimum, needed }: Retention, now: Date): Prunable[] {
  const newestFirst = backups.toSorted((one, other) => other.id.localeCompare(one.id));
  const counted = newestFirst.filter((one) => one.counted);
  const untouchable = new Set([
    ...counted.slice(0, minimum).map(({ id }) => id),
    ...counted
      .filter(({ drilled }) => drilled)
      .slice(0, minimum)
      .map(({ id }) => id),
    ...needed,
  ]);
  return newestFirst
    .filter(
      ({ id, reason, begunAt }) => !untouchable.has(id) && now.getTime() - begunAt.getTime() > keep[reason] * dayMs,
    )
    .reverse();
}
