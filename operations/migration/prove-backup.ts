import { dumpLimitMs, type BackupStore } from "../backup/backup-store.ts";
import type { Manifest } from "../backup/manifest.ts";
import { dropDatabase, restoreBeside } from "../backup/restore-beside.ts";
import { restoredName } from "../backup/restored-names.ts";
import type { DatabaseAccess } from "../database/access.ts";
import type { Run } from "../database/lock.ts";
import { OperationError } from "../error.ts";
import type { Journal } from "../journal.ts";
import type { Progress } from "../progress.ts";
import type { Context } from "../verb.ts";

export interface Proof {
  readonly run: Run;
  readonly journal: Journal;
  /** The migrator's. */
  readonly access: DatabaseAccess;
  readonly store: BackupStore;
}

/**
 * Restores a backup beside, compares it with its manifest and drops it again, as a step of a run: a dump can succeed and not be
 * restorable, because a CHECK or a generated column calls a function that finds nothing while a dump is restored, and only a restore
 * shows it. Refuses then. The scratch database has the name of the run's own restore, so that whoever comes after a kill drops it.
 */
export async function proveBackup(
  { run, journal, access, store }: Proof,
  manifest: Manifest,
  context: Context,
): Promise<void> {
  const target = restoredName(access.database, run.id);
  const { applicationName } = run;
  await journal.step("prove", { backup: manifest.id, target }, () =>
    context.progress.step(`prove that backup ${manifest.id} can be restored`, async (progress) => {
      const named = { ...context, progress: under("proof", progress) };
      try {
        await restoreBeside({ access, applicationName, store, manifest, target, timeoutMs: dumpLimitMs }, named);
      } catch (error) {
        if (!(error instanceof OperationError) || error.kind !== "failed") throw error;
        throw new OperationError(
          "refused",
          {
            where: `backup ${manifest.id}`,
            what: `was taken and cannot be restored, so nothing could be undone: ${error.text.what}`,
            next: "Correct what keeps it from being restored, in the database, and run again; nothing was migrated.",
          },
          { cause: error },
        );
      }
      await dropDatabase(run.client, target);
    }),
  );
}

/** Says of every step what it is for: the same steps are those of a way back. */
function under(purpose: string, progress: Progress): Progress {
  return {
    step: (title, work) => progress.step(`${purpose}: ${title}`, (inner) => work(under(purpose, inner))),
    note: (text) => progress.note(text),
  };
}
