import type { Manifest } from "../backup/manifest.ts";
import { withConnection } from "../database/connection.ts";
import { qualified } from "../database/content.ts";
import { checkContract, readLiveSchema, type ContractCheck } from "../database/contract.ts";
import { renewFreeze } from "../database/freeze.ts";
import { readWriteCounters } from "../database/frozen-writes.ts";
import { Inheritance, type RunPlan } from "../database/recovery.ts";
import { OperationError } from "../error.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import { applyMigrations } from "./apply-migrations.ts";
import { BackupBehind } from "./backup-behind.ts";
import { expectedChanges } from "./expectations.ts";
import { leaseSecondsOf, measure, windowOf, type GuardedRun } from "./guarded-run.ts";
import { lostBy } from "./lost-by.ts";
import { closeWindow } from "./maintenance-window.ts";
import { makeRestorePoint, type RestorePoint } from "./restore-point.ts";
import { MigrationWork, defaultHistoryTable, type MigrationResult } from "./spec.ts";
import { arrived, lost, takeWayBack, type Arrival } from "./way-back.ts";

type Result = Omit<MigrationResult, "attempt">;

/**
 * One run, after everything that can be refused was: a restore point, then migrate, verify, and the contract of the previous release. A
 * failure in between takes the way back to the restore point.
 */
export class GuardedMigration {
  readonly #parts: GuardedRun;
  readonly #backups: BackupBehind;

  constructor(parts: GuardedRun) {
    this.#parts = parts;
    const { spec, run, access, store, running } = parts;
    const { applicationName } = run;
    this.#backups = new BackupBehind({ spec, access: access.backup, applicationName, store, serving: running });
  }

  async execute(context: Context): Promise<Result> {
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
  async #confirm(context: Context): Promise<Result> {
    await this.#mustHold(this.#parts.spec.record);
    const backup = (await this.#backups.acceptable(context)) ?? (await this.#backups.take(false, context));
    return this.#result([], backup);
  }

  async #migrate(context: Context): Promise<Result> {
    const { plan, recovered } = this.#parts;
    const point = await makeRestorePoint(this.#parts, this.#backups, context);
    try {
      const differences = await this.#applyPending(context);
      await this.#verify(point, differences, context);
    } catch (failure) {
      throw await this.#goBack(point, failure, context);
    }
    const applied = plan.pending.map(({ name }) => name);
    const result = await this.#result(applied, point.backup);
    if (point.frozen) await this.#hold(context);
    else await recovered.journal.end("done");
    return result;
  }

  /** Returns what TypeORM would still change to make the schema what the entities say. */
  async #applyPending(context: Context): Promise<string[]> {
    const { spec, plan, recovered } = this.#parts;
    const pending = plan.pending.map(({ name }) => name);
    return recovered.journal.step("migrate", { imageRuntime: spec.imageRuntime, pending }, () =>
      context.progress.step(`migrate: ${pending.join(", ") || "nothing left to run"}`, (progress) =>
        this.#apply({ ...context, progress }),
      ),
    );
  }

  /** Nothing is lost that was there before, and this release can live with what is there now. */
  async #verify({ before, frozenSince }: RestorePoint, differences: string[], context: Context): Promise<void> {
    const { spec, run, access, recovered } = this.#parts;
    await recovered.journal.step("verify", {}, () =>
      context.progress.step("verify", async () => {
        const missing = await lostBy({
          ...{ access: access.migrator, applicationName: run.applicationName, record: spec.record },
          ...{ before, frozen: frozenSince !== null, differences },
        });
        if (missing.length > 0) throw notVerified(missing);
        await this.#mustHold(spec.record);
      }),
    );
  }

  /** The application stays frozen until the release's ledger entry, or until somebody takes the way back. */
  async #hold({ progress }: Context): Promise<void> {
    const { spec, run, access, recovered, attempt } = this.#parts;
    const leaseSeconds = leaseSecondsOf(this.#parts);
    await renewFreeze(run.client, windowOf(this.#parts).freeze, leaseSeconds);
    const writes = await readWriteCounters(access.migrator, run.applicationName);
    await recovered.journal.leaveOpen("hold", { attempt, writes });
    progress.note(
      `the writes of ${spec.app} stay frozen until release ${spec.record.id} is verified, at most ${Math.ceil(leaseSeconds / 60)} minutes`,
    );
  }

  /** What to throw: the failure, with what became of the database. */
  async #goBack(point: RestorePoint, failure: unknown, cancellable: Context): Promise<OperationError> {
    const { spec, run, recovered, access, store, script, running } = this.#parts;
    // A cancelled migration has to find its way back all the same; every wait in here has a limit of its own.
    const context = { ...cancellable, signal: new AbortController().signal };
    const window = windowOf(this.#parts);
    let arrival: Arrival;
    try {
      arrival = await takeWayBack(
        {
          ...{ run, access, store, journal: recovered.journal, serving: running, freeze: window.freeze },
          ...{ backup: point.backup.id, before: point.before, frozenSince: point.frozenSince },
          writes: null,
          downs: { record: spec.record, work: spec, script },
        },
        context,
      );
      if (arrival.unfinished !== true) {
        if (point.frozen) await closeWindow(run.client, window, context);
        await recovered.journal.end(arrival.outcome);
      }
    } catch (error) {
      return lost(failure, error);
    }
    return arrived(failure, arrival);
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

  async #result(applied: string[], backup: Manifest): Promise<Result> {
    const { previous, plan } = this.#parts;
    const contract = previous === null ? null : await this.#contract(previous);
    return {
      outcome: plan.outcome,
      applied,
      backup: backup.id,
      fingerprint: (await measure(this.#parts, false)).fingerprint,
      previousReleaseRuns: contract?.holds ?? null,
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
}

function notVerified(lost: readonly string[]): OperationError {
  return new OperationError("failed", {
    where: "the migration",
    what: `ran, and what it left is not right:\n${lost.map((one) => `  - ${one}`).join("\n")}\n`,
    next: "Correct it, or declare what it is expected to change (`static readonly affexai`), and build a new release.",
  });
}
