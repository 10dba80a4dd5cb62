import { OperationError } from "../error.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import { applyMigrations } from "./apply-migrations.ts";
import { BackupBehind } from "./backup-behind.ts";
import type { BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { qualified } from "../database/content.ts";
import { checkContract, readLiveSchema, type ContractCheck } from "../database/contract.ts";
import { foreignWriters, renewFreeze } from "../database/freeze.ts";
import { readWriteCounters, type WriteCounters } from "../database/frozen-writes.ts";
import { expectedChanges } from "./expectations.ts";
import type { RunScript } from "./image-runner.ts";
import { lostBy } from "./lost-by.ts";
import type { Run } from "../database/lock.ts";
import type { Manifest } from "../backup/manifest.ts";
import { closeWindow, openWindow, type MaintenanceWindow } from "./maintenance-window.ts";
import type { MigrationPlan } from "./plan.ts";
import { Inheritance, type Recovered, type RunPlan } from "../database/recovery.ts";
import { proveBackup } from "./prove-backup.ts";
import {
  MigrationWork,
  defaultFreezeLeaseSeconds,
  defaultHistoryTable,
  type MigrationResult,
  type MigrationSpec,
} from "./spec.ts";
import { refuseWritten } from "./refuse-written.ts";
import { readState, type State } from "../database/state.ts";
import { arrived, lost, takeWayBack, type Arrival } from "./way-back.ts";

/** What a guarded migration is made of, once nothing is left to refuse. */
export interface Parts {
  readonly spec: MigrationSpec;
  readonly access: { readonly migrator: DatabaseAccess; readonly backup: DatabaseAccess };
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

/** One run, after everything that can be refused was. */
export class GuardedMigration {
  readonly #parts: Parts;
  readonly #backups: BackupBehind;
  /** What was written when the freeze came into force. */
  #writes: WriteCounters = {};

  constructor(parts: Parts) {
    this.#parts = parts;
    const { spec, run, access, store, running } = parts;
    const { applicationName } = run;
    this.#backups = new BackupBehind({ spec, access: access.backup, applicationName, store, serving: running });
  }

  async execute(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, run, recovered, plan, access, leased, attempt } = this.#parts;
    const { journal, inheritance } = recovered;
    await journal.begin({
      run: run.id,
      database: access.migrator.database,
      verb: "migration run",
      release: spec.record.id,
    });
    if (inheritance !== null) {
      await journal.step("inherit", Inheritance.parse(inheritance), () => Promise.resolve());
      for (const dead of inheritance.runs) await journal.end("abandoned", dead);
    }
    if (plan.pending.length === 0 && inheritance === null && !leased) {
      try {
        const result = await this.#confirm(context);
        await journal.end("done");
        return result;
      } catch (error) {
        await journal.end("refused");
        throw error;
      }
    }
    const planned = [...(inheritance?.planned ?? []), ...plan.pending.map(({ name }) => name)];
    const own: RunPlan = { attempt, planned: [...new Set(planned)], work: MigrationWork.strip().parse(spec) };
    await journal.step("plan", own, () => Promise.resolve());
    return this.#migrate(context);
  }

  /** Nothing is pending: the release has to fit the schema, and a backup has to be behind it. */
  async #confirm(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, plan } = this.#parts;
    await this.#mustHold(spec.record);
    const backup = (await this.#backups.acceptable(context)) ?? (await this.#backups.take(false, context));
    return this.#result(plan, [], backup);
  }

  async #migrate(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, run, access, plan, recovered } = this.#parts;
    const { journal } = recovered;
    const begun = await this.#prepare(context);
    try {
      const differences = await journal.step(
        "migrate",
        { imageRuntime: spec.imageRuntime, pending: plan.pending.map(({ name }) => name) },
        () =>
          context.progress.step(
            `migrate: ${plan.pending.map(({ name }) => name).join(", ") || "nothing left to run"}`,
            (progress) => this.#apply({ ...context, progress }),
          ),
      );
      await journal.step("verify", {}, () =>
        context.progress.step("verify", async () => {
          const { before, frozenSince } = begun;
          const missing = await lostBy({
            ...{ access: access.migrator, applicationName: run.applicationName, record: spec.record },
            ...{ before, frozen: frozenSince !== null, differences },
          });
          if (missing.length > 0) throw notVerified(missing);
          await this.#mustHold(spec.record);
        }),
      );
    } catch (failure) {
      throw await this.#goBack(begun, failure, context);
    }
    const result = await this.#result(
      plan,
      plan.pending.map(({ name }) => name),
      begun.backup,
    );
    if (begun.frozen) await this.#hold(context);
    else await journal.end("done");
    return result;
  }

  /** The application stays frozen until the release's ledger entry, or until somebody takes the way back. */
  async #hold({ progress }: Context): Promise<void> {
    const { spec, run, recovered, attempt } = this.#parts;
    await renewFreeze(run.client, this.#window.freeze, this.#leaseSeconds);
    const writes = await readWriteCounters(this.#parts.access.migrator, run.applicationName);
    await recovered.journal.leaveOpen("hold", { attempt, writes });
    progress.note(
      `the writes of ${spec.app} stay frozen until release ${spec.record.id} is verified, at most ${Math.ceil(this.#leaseSeconds / 60)} minutes`,
    );
  }

  /** Freeze, backup and state. If one fails, nothing was migrated and the application may write again. */
  async #prepare(context: Context): Promise<Begun> {
    const { spec, run, store, recovered, plan, leased, access } = this.#parts;
    const { journal, inheritance } = recovered;
    const frozen = spec.record.maintenance || leased;
    try {
      const frozenSince = frozen ? await journal.step("freeze", { app: spec.app }, () => this.#freeze(context)) : null;
      // What a killed run began is judged by what it began from.
      if (inheritance !== null) {
        const unbroken = frozenSince !== null && frozenSince === inheritance.frozenSince;
        const backup = await store.find(inheritance.backup);
        return { frozen, backup, before: inheritance.before, frozenSince: unbroken ? frozenSince : null };
      }
      const accepted = plan.pending.length === 0 ? await this.#backups.acceptable(context) : null;
      if (accepted !== null) await journal.step("backup", { accepted: true }, () => Promise.resolve(accepted.id));
      const backup = accepted ?? (await this.#backups.takeRestorable(journal, frozen, context));
      const refuseWrites = () =>
        refuseWritten(
          run.client,
          this.#window.freeze,
          { access: access.migrator, applicationName: run.applicationName, since: this.#writes },
          context,
        );
      // Under a freeze the way back is a restore, by itself: that it is one has to be known before anything is destroyed.
      if (frozen && plan.pending.length > 0) {
        // What was written meanwhile is why the backup would differ from its manifest.
        await refuseWrites();
        await proveBackup({ run, journal, access: access.migrator, store }, backup, context);
      }
      const before = await journal.step("measure", {}, () =>
        context.progress.step("measure", () => this.#state(frozen)),
      );
      if (frozen) await refuseWrites();
      return { frozen, backup, before, frozenSince: accepted === null ? frozenSince : null };
    } catch (error) {
      if (inheritance !== null) throw error;
      if (frozen) await closeWindow(run.client, this.#window, context);
      await journal.end("refused");
      throw error;
    }
  }

  /** What to throw: the failure, with what became of the database. */
  async #goBack(begun: Begun, failure: unknown, cancellable: Context): Promise<OperationError> {
    const { spec, run, recovered, access, store, script, running } = this.#parts;
    // A cancelled migration has to find its way back all the same; every wait in here has a limit of its own.
    const context = { ...cancellable, signal: new AbortController().signal };
    let arrival: Arrival;
    try {
      arrival = await takeWayBack(
        {
          ...{ run, access, store, journal: recovered.journal, serving: running, freeze: this.#window.freeze },
          ...{ backup: begun.backup.id, before: begun.before, frozenSince: begun.frozenSince },
          writes: null,
          downs: { record: spec.record, work: spec, script },
        },
        context,
      );
      if (arrival.unfinished !== true) {
        if (begun.frozen) await closeWindow(run.client, this.#window, context);
        await recovered.journal.end(arrival.outcome);
      }
    } catch (error) {
      return lost(failure, error);
    }
    return arrived(failure, arrival);
  }

  get #window(): MaintenanceWindow {
    const { access, spec } = this.#parts;
    return { freeze: { database: access.migrator.database, app: spec.app }, maintenance: spec.maintenance };
  }

  get #leaseSeconds(): number {
    return this.#parts.spec.freezeLeaseSeconds ?? defaultFreezeLeaseSeconds;
  }

  async #freeze(context: Context): Promise<string> {
    const { run, access, spec, attempt } = this.#parts;
    const lease = { run: run.id, release: spec.record.id, attempt, seconds: this.#leaseSeconds };
    const since = await openWindow(run.client, this.#window, lease, context);
    const { freeze } = this.#window;
    const writers = await foreignWriters(run.client, freeze, run.applicationName, [access.backup.user]);
    this.#writes = await readWriteCounters(access.migrator, run.applicationName);
    if (writers.length === 0) return since;
    throw new OperationError("refused", {
      where: `database ${freeze.database}`,
      what: `others could write during maintenance: ${writers.join(", ")}.`,
      next: "End these sessions and run again; nothing was changed.",
    });
  }

  async #apply(context: Context): Promise<string[]> {
    const { spec, run, access, plan, script } = this.#parts;
    if (plan.outcome === "ahead") return [];
    const job = {
      source: spec,
      access: access.migrator,
      runId: run.id,
      historyTable: spec.historyTable ?? defaultHistoryTable,
      lockTimeoutMs: spec.lockTimeoutSeconds * 1000,
      statementTimeoutMs: spec.statementTimeoutSeconds * 1000,
      timeoutMs: (spec.timeoutSeconds ?? 3600) * 1000,
      expected: spec.record.migrations.map(({ name, sha256 }) => ({ name, sha256 })),
      protectedTables: spec.protectedTables.map((one) => ({ ...one, table: qualified(one.table) })),
      allowedDeletes: expectedChanges(plan.pending).deletes,
    };
    await run.assertHeld();
    return applyMigrations(
      job,
      { client: run.client, run: script, context },
      (name) => plan.pending.find((migration) => migration.name === name)?.transaction === true,
    );
  }

  async #result(plan: MigrationPlan, applied: string[], backup: Manifest): Promise<Omit<MigrationResult, "attempt">> {
    const previous = this.#parts.previous === null ? null : await this.#contract(this.#parts.previous);
    return {
      outcome: plan.outcome,
      applied,
      backup: backup.id,
      fingerprint: (await this.#state()).fingerprint,
      previousReleaseRuns: previous?.holds ?? null,
    };
  }

  async #mustHold(record: ReleaseRecord): Promise<void> {
    const { holds, reasons } = await this.#contract(record);
    if (holds) return;
    throw new OperationError("refused", {
      where: `release ${record.id}`,
      what: `cannot run on this schema:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}\n`,
      next: "Deploy a release whose entities fit, or bring the schema there with a migration.",
    });
  }

  #contract(record: ReleaseRecord): Promise<ContractCheck> {
    const { access, run } = this.#parts;
    return withConnection(access.migrator, { applicationName: run.applicationName }, async (client) =>
      checkContract(record.contract, await readLiveSchema(client)),
    );
  }

  #state(frozen = false) {
    const { spec, access, run } = this.#parts;
    return readState(access.migrator, run.applicationName, {
      contents: frozen ? "all" : null,
      historyTable: spec.historyTable ?? defaultHistoryTable,
      protectedTables: spec.protectedTables,
    });
  }
}

/** What a run began from, and what it holds. */
interface Begun {
  readonly backup: Manifest;
  readonly before: State;
  /** Whether this run has the application frozen now. */
  readonly frozen: boolean;
  /** Since when writes have been frozen, from before the backup's snapshot on; null when they have not. */
  readonly frozenSince: string | null;
}

function notVerified(lost: readonly string[]): OperationError {
  return new OperationError("failed", {
    where: "the migration",
    what: `ran, and what it left is not right:\n${lost.map((one) => `  - ${one}`).join("\n")}\n`,
    next: "Correct it, or declare what it is expected to change (`static readonly affexai`), and build a new release.",
  });
}
