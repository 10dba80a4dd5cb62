import { OperationError } from "../error.ts";
import type { Journal } from "../journal.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import type { BackupStore } from "../backup/backup-store.ts";
import { describeDifference } from "../database/fingerprint.ts";
import { foreignWriters, isFrozen, unfreezeWrites, type FreezeTarget } from "../database/freeze.ts";
import type { Run } from "../database/lock.ts";
import type { Manifest } from "../backup/manifest.ts";
import { restoreBeside } from "../backup/restore-beside.ts";
import { keptName, restoredName } from "../backup/restored-names.ts";
import { endSessions } from "../database/sessions.ts";
import type { MigrationSpec } from "./spec.ts";
import { isSame, readState, type State } from "../database/state.ts";
import { swapDatabases } from "../backup/swap.ts";

export interface WayBack {
  readonly spec: MigrationSpec;
  readonly run: Run;
  readonly journal: Journal;
  readonly access: { readonly migrator: DatabaseAccess; readonly backup: DatabaseAccess };
  readonly store: BackupStore;
  readonly backup: Manifest;
  readonly before: State;
  readonly freeze: FreezeTarget;
  /** Whether this run has the application frozen now. */
  readonly frozen: boolean;
  /** Whether writes were frozen since before the backup's snapshot. */
  readonly frozenSinceBackup: boolean;
  /** Whether the release that serves can live with the schema as it is now; null when none serves. */
  readonly runningReleaseHolds: () => Promise<boolean | null>;
  readonly timeoutMs: number;
}

/**
 * What is done after a migration failed, from the least to the most: nothing, when it was rolled back and the database is as it was; a
 * restore beside and a swap, when writes were frozen since the backup, so that nothing can be lost; otherwise nothing again, and
 * somebody has to decide. Always throws: the failure, with what became of the database.
 */
export async function goBack(way: WayBack, failure: unknown, cancellable: Context): Promise<never> {
  // A cancelled migration has to find its way back all the same; every wait in here has a limit of its own.
  const context = { ...cancellable, signal: new AbortController().signal };
  try {
    return await decide(way, failure, context);
  } catch (error) {
    if (error instanceof WentBack) throw error;
    throw lost(failure, error);
  }
}

async function decide(way: WayBack, failure: unknown, context: Context): Promise<never> {
  const { run, access, before, journal } = way;
  await endSessions(
    run.client,
    "the end of the migration's sessions",
    "application_name = $1 AND datname = $2",
    [run.applicationName, access.migrator.database],
    context,
  );
  const now = await readState(access.migrator, run.applicationName, {
    historyTable: before.historyTable,
    protectedTables: way.spec.protectedTables,
  });
  if (isSame(before, now, way.frozenSinceBackup)) {
    await thaw(way, context);
    await journal.end("rolled-back");
    throw ended(
      failure,
      "failed",
      "It was rolled back: the schema and the history of migrations are as before, and there is nothing to undo.",
    );
  }
  if (way.frozenSinceBackup && (await stillFrozen(way, context))) return restore(way, failure, context);
  const committed = now.history.filter((name) => !before.history.includes(name));
  const holds = await way.runningReleaseHolds();
  await thaw(way, context);
  await journal.end("stopped");
  const state = [
    committed.length === 0 ? "The schema was changed" : `Committed: ${committed.join(", ")}`,
    holds === null
      ? "no release serves yet"
      : holds
        ? "the release that serves can live with it"
        : "the release that serves cannot live with it",
  ].join("; ");
  const difference = describeDifference({ lines: before.schema }, { lines: now.schema });
  for (const line of difference) context.progress.note(line);
  throw ended(
    failure,
    "stopped",
    `${state}. Nothing was undone: users may have written since backup ${way.backup.id} of ${way.backup.takenAt}, and a restore would lose that.`,
    `Correct the release and run it again, which goes on from here; or lose those writes with \`affexai backup restore ${way.backup.id}\`.`,
  );
}

async function stillFrozen({ run, freeze, access }: WayBack, { progress }: Context): Promise<boolean> {
  const writers = await foreignWriters(run.client, freeze, run.applicationName, [access.backup.user]);
  if (writers.length > 0) progress.note(`could have written during the freeze: ${writers.join(", ")}`);
  return writers.length === 0 && (await isFrozen(run.client, freeze));
}

async function restore(way: WayBack, failure: unknown, context: Context): Promise<never> {
  const { run, access, store, backup, journal } = way;
  const { database } = access.migrator;
  const [target, kept] = [restoredName(database, run.id), keptName(database, run.id)];
  const began = performance.now();
  try {
    await journal.step("restore", { backup: backup.id, target }, () =>
      restoreBeside(
        {
          access: access.migrator,
          applicationName: run.applicationName,
          store,
          manifest: backup,
          target,
          timeoutMs: way.timeoutMs,
        },
        context,
      ),
    );
    await run.assertHeld();
    await journal.step("swap", { kept }, () =>
      swapDatabases(run.client, { access: access.migrator, restored: target, kept }, context),
    );
  } catch (error) {
    throw ended(
      failure,
      "stopped",
      `Going back to backup ${backup.id} failed as well: ${messageOf(error)} The application's writes stay frozen, so that nothing is lost.`,
      "Correct the cause and run again, which tries it again.",
    );
  }
  await journal.end("restored");
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  throw ended(
    failure,
    "failed",
    `The database was restored from backup ${backup.id}, row for row, and swapped in, in ${seconds} s; nothing was lost, because writes were frozen. What the migration made is kept as ${kept}.`,
  );
}

async function thaw({ run, freeze, frozen }: WayBack, context: Context): Promise<void> {
  if (frozen) await unfreezeWrites(run.client, freeze, context);
}

/** The failure, with what became of the database. */
class WentBack extends OperationError {}

function ended(failure: unknown, kind: "failed" | "stopped", state: string, next?: string): WentBack {
  const text =
    failure instanceof OperationError
      ? failure.text
      : { where: "the migration", what: messageOf(failure), next: "Read the lines above." };
  return new WentBack(
    kind,
    { where: text.where, what: `${text.what} ${state}`, next: next ?? text.next },
    { cause: failure },
  );
}

/** The journal stays open, and a freeze in force: the next run finds both, looks, and decides. */
function lost(failure: unknown, error: unknown): WentBack {
  return ended(
    failure,
    "stopped",
    `What became of the database could not be found out: ${messageOf(error)}`,
    "Run again: it finds out first, and goes on from there. A freeze of the application's writes stays in force until then.",
  );
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.?$/, ".");
}
