import type { BackupStore } from "../backup/backup-store.ts";
import type { RunAccess } from "../database/access.ts";
import type { Run } from "../database/lock.ts";
import type { Recovered } from "../database/recovery.ts";
import { readState, type State } from "../database/state.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { RunScript } from "./image-runner.ts";
import type { MaintenanceWindow } from "./maintenance-window.ts";
import type { MigrationPlan } from "./plan.ts";
import { defaultFreezeLeaseSeconds, defaultHistoryTable, type MigrationSpec } from "./spec.ts";

/** What a guarded migration is made of, once nothing is left to refuse. */
export interface GuardedRun {
  readonly spec: MigrationSpec;
  readonly access: RunAccess;
  readonly run: Run;
  readonly recovered: Recovered;
  readonly plan: MigrationPlan;
  /** A freeze is in force, or was to be, for a release that this one takes the place of. */
  readonly leased: boolean;
  /** In the ledger. */
  readonly attempt: string;
  /** The release that serves meanwhile; null when none was ever verified. */
  readonly running: ReleaseRecord | null;
  /** The release to go back to: the last one that was verified, other than this. */
  readonly previous: ReleaseRecord | null;
  readonly script: RunScript;
  readonly store: BackupStore;
}

export function windowOf({ access, spec }: GuardedRun): MaintenanceWindow {
  return { freeze: { database: access.migrator.database, app: spec.app }, maintenance: spec.maintenance };
}

/** How long nobody has to look after a freeze before it is ended. */
export function leaseSecondsOf({ spec }: GuardedRun): number {
  return spec.freezeLeaseSeconds ?? defaultFreezeLeaseSeconds;
}

/** The database as it is now. Only under a freeze do rows hold still, so that their contents can be compared later. */
export function measure({ spec, access, run }: GuardedRun, frozen: boolean): Promise<State> {
  return readState(access.migrator, run.applicationName, {
    contents: frozen ? "all" : null,
    historyTable: spec.historyTable ?? defaultHistoryTable,
    protectedTables: spec.protectedTables,
  });
}
