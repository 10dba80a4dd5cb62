import type { z } from "zod";
import { Ledger } from "../release/ledger.ts";
import type { Context, Verb } from "../verb.ts";
import { backupStore } from "./backup-store.ts";
import { lastDrills } from "./drill-record.ts";
import { neededBackups } from "./needed-backups.ts";
import { expired } from "./prune-plan.ts";
import { BackupPruneResult, BackupPruneSpec } from "./spec.ts";
import { abortUploads, deleteStored, isLocked, storedBackups, type StoredBackup } from "./stored-versions.ts";

const dayMs = 86_400_000;

/**
 * Deletes backups that have had their time, what killed runs left behind, and uploads that never ended. It stays above a minimum and off
 * what a release needs (`expired`). What is locked is listed, and left. Killed, it leaves remains that the next run deletes.
 */
export const pruneBackups: Verb<typeof BackupPruneSpec, typeof BackupPruneResult> = {
  spec: BackupPruneSpec,
  result: BackupPruneResult,
  run: (spec, context) => pruneAsOf(new Date(), spec, context),
};

/** `pruneBackups` at a moment. */
export async function pruneAsOf(
  now: Date,
  spec: z.output<typeof BackupPruneSpec>,
  context: Context,
): Promise<z.output<typeof BackupPruneResult>> {
  const store = backupStore(spec, context);
  const own = await store.manifests();
  const [stored, drills, needed] = await Promise.all([
    storedBackups(store),
    lastDrills(store),
    neededBackups(new Ledger(store.storage, store.target), own),
  ]);
  const counted = new Set(own.map(({ id }) => id));
  const complete = stored.filter((one) => one.complete);
  const backups = complete.map(({ id, reason }) => ({
    ...{ id, reason },
    begunAt: begunAt(id),
    counted: counted.has(id),
    drilled: drills.get(id)?.proven === true,
  }));
  const old = new Set(expired(backups, { ...spec, needed }, now).map(({ id }) => id));
  const yesterday = new Date(now.getTime() - dayMs);
  const dryRun = spec.dryRun === true;

  const remove = async (candidates: readonly StoredBackup[]): Promise<{ deleted: string[]; locked: string[] }> => {
    const [deleted, locked]: [string[], string[]] = [[], []];
    for (const one of candidates) {
      context.signal.throwIfAborted();
      const isHeld = await isLocked(store, one, now);
      if (!isHeld && !dryRun) await deleteStored(store, one);
      (isHeld ? locked : deleted).push(one.id);
    }
    return { deleted, locked };
  };
  const backupsGone = await context.progress.step(`${old.size} expired of ${complete.length} backups`, () =>
    remove(complete.filter(({ id }) => old.has(id))),
  );
  const remains = await context.progress.step("what killed runs left", () =>
    remove(stored.filter((one) => !one.complete && one.lastModified < yesterday)),
  );
  return {
    deleted: backupsGone.deleted,
    kept: complete.length - backupsGone.deleted.length,
    locked: [...backupsGone.locked, ...remains.locked],
    remains: remains.deleted,
    aborted: await abortUploads(store, yesterday, dryRun),
  };
}

/** The moment that an id begins with. */
function begunAt(id: string): Date {
  return new Date(id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*$/, "$1-$2-$3T$4:$5:$6Z"));
}
