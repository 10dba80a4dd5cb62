import type { Manifest } from "../backup/manifest.ts";
import { foreignWriters } from "../database/freeze.ts";
import { readWriteCounters, type WriteCounters } from "../database/frozen-writes.ts";
import type { Inherited } from "../database/recovery.ts";
import type { State } from "../database/state.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { BackupBehind } from "./backup-behind.ts";
import { leaseSecondsOf, measure, windowOf, type GuardedRun } from "./guarded-run.ts";
import { closeWindow, openWindow } from "./maintenance-window.ts";
import { proveBackup } from "./prove-backup.ts";
import { refuseWritten } from "./refuse-written.ts";

/** What a migration begins from, and can come back to. */
export interface RestorePoint {
  readonly backup: Manifest;
  /** What the backup holds. */
  readonly before: State;
  /** Whether this run has the application frozen now. */
  readonly frozen: boolean;
  /** Since when writes have been frozen, from before the backup's snapshot on; null when they have not. */
  readonly frozenSince: string | null;
}

/** A freeze that this run has brought into force. */
interface Freeze {
  /** Since when no write can have begun. */
  readonly since: string;
  /** What had been written by then. */
  readonly writes: WriteCounters;
}

/**
 * Makes the restore point of a run: freeze, if the release declares maintenance; backup; its proof by a restore, under the freeze; the
 * state as it is. If one of them fails, nothing was migrated and the application may write again.
 */
export async function makeRestorePoint(
  parts: GuardedRun,
  backups: BackupBehind,
  context: Context,
): Promise<RestorePoint> {
  const { spec, run, recovered, leased } = parts;
  const { journal, inheritance } = recovered;
  const frozen = spec.record.maintenance || leased;
  try {
    const freeze = frozen ? await freezeWriters(parts, context) : null;
    return inheritance === null
      ? await newPoint(parts, backups, freeze, context)
      : await inheritedPoint(parts, inheritance, freeze);
  } catch (error) {
    if (inheritance !== null) throw error;
    if (frozen) await closeWindow(run.client, windowOf(parts), context);
    await journal.end("refused");
    throw error;
  }
}

async function freezeWriters(parts: GuardedRun, context: Context): Promise<Freeze> {
  const { run, access, spec, attempt, recovered } = parts;
  const window = windowOf(parts);
  let writes: WriteCounters = {};
  const since = await recovered.journal.step("freeze", { app: spec.app }, async () => {
    const lease = { run: run.id, release: spec.record.id, attempt, seconds: leaseSecondsOf(parts) };
    const began = await openWindow(run.client, window, lease, context);
    const writers = await foreignWriters(run.client, window.freeze, run.applicationName, [access.backup.user]);
    writes = await readWriteCounters(access.migrator, run.applicationName);
    if (writers.length === 0) return began;
    throw new OperationError("refused", {
      where: `database ${window.freeze.database}`,
      what: `others could write during maintenance: ${writers.join(", ")}.`,
      next: "End these sessions and run again; nothing was changed.",
    });
  });
  return { since, writes };
}

/** What a killed run began is judged by what it began from. */
async function inheritedPoint(
  { store }: GuardedRun,
  { backup: id, before, frozenSince }: Inherited,
  freeze: Freeze | null,
): Promise<RestorePoint> {
  const unbroken = freeze !== null && freeze.since === frozenSince;
  return { frozen: freeze !== null, backup: await store.find(id), before, frozenSince: unbroken ? freeze.since : null };
}

async function newPoint(
  parts: GuardedRun,
  backups: BackupBehind,
  freeze: Freeze | null,
  context: Context,
): Promise<RestorePoint> {
  const { run, store, recovered, plan, access } = parts;
  const { journal } = recovered;
  const frozen = freeze !== null;
  const accepted = plan.pending.length === 0 ? await backups.acceptable(context) : null;
  if (accepted !== null) await journal.step("backup", { accepted: true }, () => Promise.resolve(accepted.id));
  const backup = accepted ?? (await backups.takeRestorable(journal, frozen, context));
  // Under a freeze the way back is a restore, by itself: that it is one has to be known before anything is destroyed.
  if (frozen && plan.pending.length > 0) {
    // What was written meanwhile is why the backup would differ from its manifest.
    await refuseWrites(parts, freeze, context);
    await proveBackup({ run, journal, access: access.migrator, store }, backup, context);
  }
  const before = await journal.step("measure", {}, () =>
    context.progress.step("measure", () => measure(parts, frozen)),
  );
  if (frozen) await refuseWrites(parts, freeze, context);
  return { frozen, backup, before, frozenSince: frozen && accepted === null ? freeze.since : null };
}

function refuseWrites(parts: GuardedRun, { writes }: Freeze, context: Context): Promise<void> {
  const { run, access } = parts;
  const quiet = { access: access.migrator, applicationName: run.applicationName, since: writes };
  return refuseWritten(run.client, windowOf(parts).freeze, quiet, context);
}
