import { OperationError } from "../error.ts";
import type { Journal } from "../journal.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import type { RunAccess } from "../database/access.ts";
import { dumpLimitMs, type BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { checkContract, readLiveSchema } from "../database/contract.ts";
import { describeDifference } from "../database/fingerprint.ts";
import { foreignWriters, frozenSince, type FreezeTarget } from "../database/freeze.ts";
import { writtenInSpite, type WriteCounters } from "../database/frozen-writes.ts";
import type { Run } from "../database/lock.ts";
import { restoreBeside } from "../backup/restore-beside.ts";
import { keptName, restoredName } from "../backup/restored-names.ts";
import { endSessions } from "../database/sessions.ts";
import { allProven, revertInImage, type Downs } from "./revert.ts";
import type { SettledOutcome } from "./spec.ts";
import { isSame, likeState, readState, type State } from "../database/state.ts";
import { swapDatabases } from "../backup/swap.ts";

export interface WayBack {
  readonly run: Run;
  readonly journal: Journal;
  readonly access: RunAccess;
  readonly store: BackupStore;
  /** Id of the backup that holds `before`. */
  readonly backup: string;
  readonly before: State;
  readonly freeze: FreezeTarget;
  /** Since when writes have been frozen, from before the backup's snapshot on; null when they have not. */
  readonly frozenSince: string | null;
  /** What was written when nobody was to write any more; null while a migration was at work, whose own writes are counted alike. */
  readonly writes: WriteCounters | null;
  /** Null when it is not known how what was committed could be taken back. */
  readonly downs: Downs | null;
  /** The release that has to live with the outcome; null when none serves. */
  readonly serving: ReleaseRecord | null;
}

/** Where a way back ended. */
export interface Arrival {
  readonly outcome: Exclude<SettledOutcome, "done">;
  /** What became of the database, in sentences. */
  readonly state: string;
  /** What to do now, when the cause alone does not say it. */
  readonly next?: string;
  /** Going back failed: the freeze stays in force and the journal open, for the next try. */
  readonly unfinished?: true;
}

/**
 * From the least to the most: nothing, when the database is as it was; the downs, where all of them were proven, compared afterwards;
 * a restore beside and a swap, when writes were frozen since the backup, so that nothing can be lost; otherwise nothing again, and
 * somebody has to decide. Lifts nothing and closes no run. Throws when it cannot find out where the database stands.
 */
export async function takeWayBack(way: WayBack, context: Context): Promise<Arrival> {
  const { run, access, before } = way;
  await endSessions(
    run.client,
    "the end of the migration's sessions",
    "application_name = $1 AND datname = $2",
    [run.applicationName, access.migrator.database],
    context,
  );
  const now = await stateNow(way);
  if (isSame(before, now, way.frozenSince !== null)) {
    return {
      outcome: "nothing-to-undo",
      state:
        "It was rolled back: the schema and the history of migrations are as before, and there is nothing to undo.",
    };
  }
  const committed = now.history.filter((name) => !before.history.includes(name));
  const frozen = await stillFrozen(way, context);
  const holds = frozen ? false : await servingHolds(way);
  if (holds !== true && (await revert(way, committed, frozen, context))) {
    return {
      outcome: "reverted",
      state: `${committed.toReversed().join(", ")} reverted by the downs that were proven: the schema and the history are as before${frozen ? ", and so is every row" : ""}.`,
    };
  }
  return frozen ? restore(way, context) : stopped(way, committed, holds, context);
}

function stateNow({ run, access, before }: WayBack): Promise<State> {
  return readState(access.migrator, run.applicationName, likeState(before));
}

async function stillFrozen(way: WayBack, context: Context): Promise<boolean> {
  const { run, freeze, access, frozenSince: since, writes } = way;
  if (since === null || (await frozenSince(run.client, freeze)) !== since) return false;
  const writers = await foreignWriters(run.client, freeze, run.applicationName, [access.backup.user]);
  if (writers.length > 0) context.progress.note(`could have written during the freeze: ${writers.join(", ")}`);
  if (writers.length > 0 || writes === null) return writers.length === 0;
  const quiet = { access: access.migrator, applicationName: run.applicationName, since: writes };
  const written = await writtenInSpite(run.client, freeze, quiet, context);
  if (written.length > 0) context.progress.note(`somebody wrote in spite of the freeze: ${written.join(", ")}`);
  return written.length === 0;
}

async function servingHolds({ serving, access, run }: WayBack): Promise<boolean | null> {
  if (serving === null) return null;
  return withConnection(
    access.migrator,
    { applicationName: run.applicationName },
    async (client) => checkContract(serving.contract, await readLiveSchema(client)).holds,
  );
}

/** False when the downs are not proven, failed, or did not lead back: what comes next decides on what is there then. */
async function revert(way: WayBack, committed: string[], frozen: boolean, context: Context): Promise<boolean> {
  const { downs, run, access, journal, before } = way;
  if (downs === null || committed.length === 0 || !allProven(committed, downs.record)) return false;
  try {
    await journal.step("revert", { imageRuntime: downs.work.imageRuntime, names: committed }, () =>
      revertInImage(downs, committed, { run, access: access.migrator }, context),
    );
    return await context.progress.step("compare with the state before", async (progress) => {
      const now = await stateNow(way);
      const differences = describeDifference({ lines: before.schema }, { lines: now.schema });
      for (const line of differences) progress.note(line);
      return isSame(before, now, frozen);
    });
  } catch (error) {
    context.progress.note(`reverting did not work: ${messageOf(error)}`);
    return false;
  }
}

async function restore(way: WayBack, context: Context): Promise<Arrival> {
  const { run, access, store, backup, journal } = way;
  const { database } = access.migrator;
  const [target, kept] = [restoredName(database, run.id), keptName(database, run.id)];
  const began = performance.now();
  try {
    const manifest = await store.find(backup);
    await journal.step("restore", { backup, target }, () =>
      restoreBeside(
        {
          ...{ access: access.migrator, applicationName: run.applicationName },
          ...{ store, manifest, target, timeoutMs: dumpLimitMs },
        },
        context,
      ),
    );
    await run.assertHeld();
    await journal.step("swap", { kept }, () =>
      swapDatabases(run.client, { access: access.migrator, restored: target, kept }, context),
    );
  } catch (error) {
    return {
      outcome: "stopped",
      state: `Going back to backup ${backup} failed as well: ${messageOf(error)} The application's writes stay frozen, so that nothing is lost.`,
      next: "Correct the cause and run again, which tries it again.",
      unfinished: true,
    };
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return {
    outcome: "restored",
    state: `The database was restored from backup ${backup}, row for row, and swapped in, in ${seconds} s; nothing was lost, because writes were frozen. What the migration made is kept as ${kept}.`,
  };
}

async function stopped(
  way: WayBack,
  committed: readonly string[],
  holds: boolean | null,
  { progress }: Context,
): Promise<Arrival> {
  const { backup, before, store } = way;
  const can = { true: "can live with it", false: "cannot live with it", null: "" }[`${holds}`];
  const state = [
    committed.length === 0 ? "The schema was changed" : `Committed: ${committed.join(", ")}`,
    holds === null ? "no release serves yet" : `the release that serves ${can}`,
  ].join("; ");
  for (const line of describeDifference({ lines: before.schema }, { lines: (await stateNow(way)).schema })) {
    progress.note(line);
  }
  const { takenAt } = await store.find(backup);
  return {
    outcome: "stopped",
    state: `${state}. Nothing was undone: users may have written since backup ${backup} of ${takenAt}, and a restore would lose that.`,
    next: `Correct the release and run it again, which goes on from here; or lose those writes with \`affexai backup restore ${backup}\`.`,
  };
}

/** A failure with what became of the database. */
export function arrived(failure: unknown, { outcome, state, next }: Arrival): OperationError {
  const text =
    failure instanceof OperationError
      ? failure.text
      : { where: "the migration", what: messageOf(failure), next: "Read the lines above." };
  return new OperationError(
    outcome === "stopped" ? "stopped" : "failed",
    { where: text.where, what: `${text.what} ${state}`, next: next ?? text.next },
    { cause: failure },
  );
}

/** The journal stays open, and a freeze in force: the next run finds both, looks, and decides. */
export function lost(failure: unknown, error: unknown): OperationError {
  return arrived(failure, {
    outcome: "stopped",
    state: `What became of the database could not be found out: ${messageOf(error)}`,
    next: "Run again: it finds out first, and goes on from there. A freeze of the application's writes stays in force until then.",
  });
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.?$/, ".");
}
