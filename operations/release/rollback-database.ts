import { BackupStore, dumpLimitMs } from "../backup/backup-store.ts";
import { restoreBeside } from "../backup/restore-beside.ts";
import { keptName, restoredName } from "../backup/restored-names.ts";
import { swapDatabases } from "../backup/swap.ts";
import { runAccess, type DatabaseAccess, type RunAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { checkContract, readLiveSchema } from "../database/contract.ts";
import { foreignWriters } from "../database/freeze.ts";
import { withLock, type Run } from "../database/lock.ts";
import { recoverDeadRuns, type RunPlan } from "../database/recovery.ts";
import { readState } from "../database/state.ts";
import { OperationError } from "../error.ts";
import { JournalCopy } from "../journal-copy.ts";
import type { Journal } from "../journal.ts";
import { BackupBehind } from "../migration/backup-behind.ts";
import { inImage } from "../migration/image-runner.ts";
import { closeWindow, openWindow, type MaintenanceWindow } from "../migration/maintenance-window.ts";
import { proveBackup } from "../migration/prove-backup.ts";
import { revertInImage, type ScriptFor } from "../migration/revert.ts";
import { MigrationWork, defaultFreezeLeaseSeconds, defaultHistoryTable } from "../migration/spec.ts";
import { arrived, lost, takeWayBack } from "../migration/way-back.ts";
import type { StackOutputs } from "../stack.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import type { RollbackDecision } from "./rollback-decision.ts";
import type { ReleaseRecord } from "./spec.ts";

/** A database that has to be brought to where an older release can live with it, before its applications move. */
export interface OlderDatabase {
  readonly access: RunAccess;
  readonly store: BackupStore;
  readonly copy: JournalCopy;
  readonly window: MaintenanceWindow;
  readonly leaseSeconds: number;
  /** The release to go back to. */
  readonly target: ReleaseRecord;
}

/** Migrations to take back, in the order in which they ran, and the release whose image has them. */
export interface Reversal {
  readonly names: readonly string[];
  readonly holder: ReleaseRecord;
  readonly work: MigrationWork;
  readonly scriptFor: ScriptFor;
}

/** Does to the database of a stack what a rollback was decided to begin with. DATABASE_URL and BACKUP_DATABASE_URL are the stack's. */
export async function bringBack(
  change: {
    readonly target: ReleaseRecord;
    readonly decision: Extract<RollbackDecision, { action: "revert" | "restore" }>;
    readonly outputs: StackOutputs;
    /** Whose image has the downs. */
    readonly holder: ReleaseRecord | null;
  },
  context: Context,
): Promise<void> {
  const { target, decision, holder } = change;
  const { bucket, environment, roles, maintenance, migrations } = change.outputs.targets;
  const place = { bucket, environment };
  const storage = objectStorage(context.env);
  const access = runAccess(context.env);
  const older: OlderDatabase = {
    access,
    store: new BackupStore(storage, place),
    copy: new JournalCopy(storage, place, context.progress),
    window: { freeze: { database: access.migrator.database, app: roles.app }, maintenance },
    leaseSeconds: defaultFreezeLeaseSeconds,
    target,
  };
  if (decision.action === "restore") return restoreDatabase(older, decision.backup, context);
  if (holder === null) throw new Error("a revert was decided without an image that has the downs");
  const work = MigrationWork.parse({
    ...{ owner: "rollback", stamp: { id: holder.id, after: null }, ledger: place, image: holder.images.backend },
    ...{ ...migrations, app: roles.app, protectedTables: [], backupMaxAgeSeconds: 1 },
  });
  return revertDatabase(older, { names: decision.migrations, holder, work, scriptFor: inImage }, context);
}

/**
 * Freezes, takes a backup, runs the downs, and looks whether the older release can live with the outcome. If not, the backup is restored
 * and the application may write again: nothing was lost. Afterwards it stays frozen, for the older release to take over.
 */
export async function revertDatabase(older: OlderDatabase, reversal: Reversal, context: Context): Promise<void> {
  await withRun(older, "rollback revert", reversal.holder.id, context, async (run, journal) => {
    const { access, store, target } = older;
    const { names, holder, work, scriptFor } = reversal;
    const plan: RunPlan = { attempt: null, planned: null, work };
    await journal.step("plan", plan, () => Promise.resolve());
    const { applicationName } = run;
    const spec = { ...work, record: holder };
    const backups = new BackupBehind({ spec, access: access.backup, applicationName, store, serving: holder });
    const begun = await orLift(older, run, journal, context, async () => {
      const frozenSince = await freeze(older, run, journal, context);
      const backup = await backups.takeRestorable(journal, true, context);
      await proveBackup({ run, journal, access: access.migrator, store }, backup, context);
      const before = await journal.step("measure", {}, () =>
        readState(access.migrator, applicationName, {
          historyTable: work.historyTable ?? defaultHistoryTable,
          protectedTables: work.protectedTables,
          contents: "all",
        }),
      );
      return { frozenSince, backup: backup.id, before };
    });
    const downs = { record: holder, work, script: scriptFor(work, context) };
    try {
      await journal.step("revert", { imageRuntime: work.imageRuntime, names }, () =>
        revertInImage(downs, names, { run, access: access.migrator }, context),
      );
      await context.progress.step(`${target.id} can live with it`, () => mustHold(target, access.migrator, run));
    } catch (failure) {
      const way = {
        run,
        journal,
        access,
        store,
        serving: null,
        downs: null,
        writes: null,
        freeze: older.window.freeze,
        ...begun,
      };
      throw await wentBack(older, way, failure, context);
    }
    await journal.end("reverted");
  });
}

/**
 * Freezes, restores a backup beside and swaps it in. What was written since the backup is then only in the database that is kept. The
 * restored one stays frozen, for the older release to take over.
 */
export async function restoreDatabase(older: OlderDatabase, backup: string, context: Context): Promise<void> {
  await withRun(older, "rollback restore", older.target.id, context, async (run, journal) => {
    const { access, store } = older;
    const { database } = access.migrator;
    const [target, kept] = [restoredName(database, run.id), keptName(database, run.id)];
    await orLift(older, run, journal, context, async () => {
      await freeze(older, run, journal, context);
      const manifest = await store.find(backup);
      const { applicationName } = run;
      await journal.step("restore", { backup, target }, () =>
        restoreBeside(
          { access: access.migrator, applicationName, store, manifest, target, timeoutMs: dumpLimitMs },
          context,
        ),
      );
      await run.assertHeld();
      await journal.step("swap", { kept }, () =>
        swapDatabases(run.client, { access: access.migrator, restored: target, kept }, context),
      );
    });
    await journal.end("restored");
    // A swap never carries a freeze over.
    await openWindow(run.client, older.window, lease(older, run), context);
    context.progress.note(`what was written since backup ${backup} is kept as ${kept}`);
  });
}

async function withRun(
  { access, copy, window }: OlderDatabase,
  verb: string,
  release: string,
  context: Context,
  work: (run: Run, journal: Journal) => Promise<void>,
): Promise<void> {
  await withLock(access.migrator, async (run) => {
    const { database } = access.migrator;
    const { maintenance } = window;
    const { journal, inheritance } = await recoverDeadRuns(run, access.migrator, context, { copy, maintenance });
    if (inheritance !== null) {
      throw new OperationError("refused", {
        where: `database ${database}`,
        what: `is in the middle of release ${inheritance.release ?? "unknown"}, which was never verified.`,
        next: "Run again: the way back of that one is taken first.",
      });
    }
    await journal.begin({ run: run.id, database, verb, release });
    await work(run, journal);
  });
}

/** What fails before anything was changed leaves nobody frozen. */
async function orLift<T>(
  { window }: OlderDatabase,
  run: Run,
  journal: Journal,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await closeWindow(run.client, window, context);
    await journal.end("refused");
    throw error;
  }
}

function lease({ leaseSeconds, target }: OlderDatabase, run: Run) {
  return { run: run.id, release: target.id, attempt: null, seconds: leaseSeconds };
}

async function freeze(older: OlderDatabase, run: Run, journal: Journal, context: Context): Promise<string> {
  const { window, access } = older;
  const since = await journal.step("freeze", { app: window.freeze.app }, () =>
    openWindow(run.client, window, lease(older, run), context),
  );
  const writers = await foreignWriters(run.client, window.freeze, run.applicationName, [access.backup.user]);
  if (writers.length === 0) return since;
  throw new OperationError("refused", {
    where: `database ${window.freeze.database}`,
    what: `others could write meanwhile: ${writers.join(", ")}.`,
    next: "End these sessions and run again; nothing was changed.",
  });
}

async function mustHold(target: ReleaseRecord, access: DatabaseAccess, { applicationName }: Run): Promise<void> {
  const { holds, reasons } = await withConnection(access, { applicationName }, async (client) =>
    checkContract(target.contract, await readLiveSchema(client)),
  );
  if (holds) return;
  throw new OperationError("failed", {
    where: `release ${target.id}`,
    what: `cannot live with what the downs left:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}\n`,
    next: "Mend the newer release instead.",
  });
}

async function wentBack(
  { window }: OlderDatabase,
  way: Parameters<typeof takeWayBack>[0],
  failure: unknown,
  cancellable: Context,
): Promise<OperationError> {
  const context = { ...cancellable, signal: new AbortController().signal };
  try {
    const arrival = await takeWayBack(way, context);
    if (arrival.unfinished !== true) {
      await closeWindow(way.run.client, window, context);
      await way.journal.end(arrival.outcome);
    }
    return arrived(failure, arrival);
  } catch (error) {
    return lost(failure, error);
  }
}
