import { OperationError } from "../error.ts";
import type { Journal } from "../journal.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import { dumpLimitMs, type BackupStore } from "../backup/backup-store.ts";
import type { Manifest } from "../backup/manifest.ts";
import { readBackupThrough } from "../backup/read-backup.ts";
import { takeBackup } from "../backup/take-backup.ts";
import { defaultHistoryTable, type MigrationSpec } from "./spec.ts";

export interface BackupSource {
  readonly spec: Pick<MigrationSpec, "backupMaxAgeSeconds" | "historyTable"> & {
    readonly record: MigrationSpec["record"] | null;
  };
  /** The release that serves meanwhile; null when none was ever verified. */
  readonly serving: MigrationSpec["record"] | null;
  /** The backup role's. */
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly store: BackupStore;
}

/** The backup behind a deployment: one that is young enough and whole, or one that is taken now. */
export class BackupBehind {
  readonly #source: BackupSource;

  constructor(source: BackupSource) {
    this.#source = source;
  }

  /** The newest backup, read through to its end; null when it is too old, of another database, or damaged. */
  async acceptable(context: Context): Promise<Manifest | null> {
    const { spec, store, access } = this.#source;
    const newest = (await store.manifests()).at(-1);
    const age = newest === undefined ? Infinity : (Date.now() - Date.parse(newest.takenAt)) / 1000;
    if (newest === undefined || age > spec.backupMaxAgeSeconds || newest.database !== access.database) return null;
    return context.progress.step(`read backup ${newest.id}, ${Math.round(age)} s old`, async () => {
      try {
        await readBackupThrough(store, newest, dumpLimitMs, context);
        return newest;
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        context.progress.note(`${error.message} Another backup is taken instead.`);
        return null;
      }
    });
  }

  async take(frozen: boolean, context: Context): Promise<Manifest> {
    const { spec, access, applicationName, store, serving } = this.#source;
    return context.progress.step("backup", (progress) =>
      takeBackup(
        {
          ...{ access, applicationName, store, frozen, release: serving, behind: spec.record?.id },
          reason: "pre-migration",
          historyTable: spec.historyTable ?? defaultHistoryTable,
          timeoutMs: dumpLimitMs,
        },
        { ...context, progress },
      ),
    );
  }

  /** Takes one as a step of a run, and refuses it when it could not be restored. */
  async takeRestorable(journal: Journal, frozen: boolean, context: Context): Promise<Manifest> {
    const taken: Manifest[] = [];
    await journal.step("backup", {}, async () => {
      const backup = await this.take(frozen, context);
      taken.push(backup);
      return backup.id;
    });
    const [backup] = taken;
    if (backup === undefined) throw new Error("the step gave no backup");
    if (backup.brokenForeignKeys.length === 0) return backup;
    throw new OperationError("refused", {
      where: `backup ${backup.id}`,
      what: `could not be restored: foreign keys with rows that point at nothing (${backup.brokenForeignKeys.join("; ")}).`,
      next: "Repair these rows and run again; nothing was migrated.",
    });
  }
}
