import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { databaseAccess, onDatabase } from "../database/access.ts";
import { takeBackup } from "./take-backup.ts";
import { BackupStore } from "./backup-store.ts";
import { readBackupThrough } from "./read-backup.ts";
import { withConnection } from "../database/connection.ts";
import { withLock } from "../database/lock.ts";
import { summary } from "./manifest.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { recoverDeadRuns } from "../database/recovery.ts";
import { dropDatabase, restoreBeside } from "./restore-beside.ts";
import { keptName, restoredName } from "./restored-names.ts";
import {
  BackupCreateSpec,
  BackupListResult,
  BackupListSpec,
  BackupRestoreResult,
  BackupRestoreSpec,
  BackupSummary,
  BackupVerifyResult,
  BackupVerifySpec,
  type BackupTarget,
} from "./spec.ts";
import { swapDatabases } from "./swap.ts";

const hoursMs = 3_600_000;

/** Takes a backup now. Dump, globals, manifest; the manifest last. */
export const createBackup: Verb<typeof BackupCreateSpec, typeof BackupSummary> = {
  spec: BackupCreateSpec,
  result: BackupSummary,
  async run(spec, context) {
    const manifest = await takeBackup(
      {
        access: databaseAccess(context.env, "BACKUP_DATABASE_URL"),
        applicationName: "affexai-backup",
        store: storeOf(spec, context),
        reason: spec.reason,
        historyTable: spec.historyTable ?? "migrations",
        frozen: false,
        release: null,
        timeoutMs: 24 * hoursMs,
      },
      context,
    );
    return summary(manifest);
  },
};

/** All complete backups, newest first. */
export const listBackups: Verb<typeof BackupListSpec, typeof BackupListResult> = {
  spec: BackupListSpec,
  result: BackupListResult,
  async run(spec, context) {
    return { backups: (await storeOf(spec, context).manifests(spec.reason)).reverse().map(summary) };
  },
};

/** Reads a backup to its last byte. */
export const verifyBackup: Verb<typeof BackupVerifySpec, typeof BackupVerifyResult> = {
  spec: BackupVerifySpec,
  result: BackupVerifyResult,
  async run(spec, context) {
    const store = storeOf(spec, context);
    const manifest = await store.find(spec.id);
    await context.progress.step(`read ${manifest.id}`, () => readBackupThrough(store, manifest, 24 * hoursMs, context));
    return { ...summary(manifest), verified: true };
  },
};

/**
 * Restores a backup beside the database that serves, compares it with the manifest, and swaps the two by name. Everything written
 * since the backup is then only in the database that is kept. A dry run stops before the swap and leaves nothing behind.
 */
export const restoreBackup: Verb<typeof BackupRestoreSpec, typeof BackupRestoreResult> = {
  spec: BackupRestoreSpec,
  result: BackupRestoreResult,
  async run(spec, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    const store = storeOf(spec, context);
    const manifest = await store.find(spec.id);
    return withLock(access, async (run) => {
      const { journal, inheritance } = await recoverDeadRuns(run, access, context);
      await journal.begin({ run: run.id, database: access.database, verb: "backup restore", release: null });
      const target = restoredName(access.database, run.id);
      const began = performance.now();
      await journal.step("restore", { backup: manifest.id }, () =>
        restoreBeside(
          { access, applicationName: run.applicationName, store, manifest, target, timeoutMs: 24 * hoursMs },
          context,
        ),
      );
      const restoreSeconds = seconds(began);
      const { rows } = summary(manifest);
      if (spec.dryRun) {
        await withConnection(
          onDatabase(access, operationsDatabase(access.database)),
          { applicationName: run.applicationName },
          (client) => dropDatabase(client, target),
        );
        await journal.end("tried");
        return { id: manifest.id, swapped: false, kept: null, rows, restoreSeconds, swapSeconds: null };
      }
      await run.assertHeld();
      const kept = keptName(access.database, run.id);
      const swapBegan = performance.now();
      await journal.step("swap", { kept }, () =>
        swapDatabases(run.client, { database: access.database, restored: target, kept }, context),
      );
      await journal.end("restored");
      // What a killed migration had left behind went away with the database that it was in.
      for (const dead of inheritance?.runs ?? []) await journal.end("abandoned", dead);
      return { id: manifest.id, swapped: true, kept, rows, restoreSeconds, swapSeconds: seconds(swapBegan) };
    });
  },
};

function storeOf({ bucket, environment }: BackupTarget, { env }: Context): BackupStore {
  return new BackupStore(objectStorage(env), { bucket, environment });
}

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000;
}
