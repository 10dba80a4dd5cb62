import { OperationError } from "../error.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import { applyMigrations } from "./apply-migrations.ts";
import type { BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { qualified } from "../database/content.ts";
import { checkContract, readLiveSchema, type ContractCheck } from "../database/contract.ts";
import { foreignWriters, freezeWrites, unfreezeWrites, type FreezeTarget } from "../database/freeze.ts";
import type { RunScript } from "./image-runner.ts";
import type { Run } from "../database/lock.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { MigrationPlan } from "./plan.ts";
import { readBackupThrough } from "../backup/read-backup.ts";
import type { Recovered } from "../database/recovery.ts";
import type { MigrationResult, MigrationSpec } from "./spec.ts";
import { losses, readState, type State } from "../database/state.ts";
import { takeBackup } from "../backup/take-backup.ts";
import { goBack } from "./way-back.ts";

/** What a guarded migration is made of, once nothing is left to refuse. */
export interface Parts {
  readonly spec: MigrationSpec;
  readonly access: { readonly migrator: DatabaseAccess; readonly backup: DatabaseAccess };
  readonly run: Run;
  readonly recovered: Recovered;
  readonly plan: MigrationPlan;
  /** The release that serves meanwhile; null when none was ever verified. */
  readonly running: ReleaseRecord | null;
  /** The release to go back to: the last one that was verified, other than this. */
  readonly previous: ReleaseRecord | null;
  readonly script: RunScript;
  readonly store: BackupStore;
}

const hoursMs = 3_600_000;

/** One run, after everything that can be refused was. */
export class GuardedMigration {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async execute(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, run, recovered, plan, access } = this.#parts;
    const { journal, inheritance } = recovered;
    await journal.begin({
      run: run.id,
      database: access.migrator.database,
      verb: "migration run",
      release: spec.record.id,
    });
    if (inheritance !== null) {
      const { runs, ...left } = inheritance;
      await journal.step("inherit", left, () => Promise.resolve());
      for (const dead of runs) await journal.end("abandoned", dead);
    }
    if (plan.pending.length === 0 && inheritance === null) {
      try {
        const result = await this.#confirm(context);
        await journal.end("done");
        return result;
      } catch (error) {
        await journal.end("refused");
        throw error;
      }
    }
    return this.#migrate(context);
  }

  /** Nothing is pending: the release has to fit the schema, and a backup has to be behind it. */
  async #confirm(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, plan } = this.#parts;
    await this.#mustHold(spec.record);
    const backup = (await this.#acceptableBackup(context)) ?? (await this.#backUp(context, false));
    return this.#result(plan, [], backup);
  }

  async #migrate(context: Context): Promise<Omit<MigrationResult, "attempt">> {
    const { spec, run, recovered, plan, access, store, running } = this.#parts;
    const { journal, inheritance } = recovered;
    const freeze = { database: access.migrator.database, app: spec.app };
    const frozen = spec.record.maintenance || inheritance?.frozen === true;
    const frozenSinceBackup = inheritance === null ? frozen : inheritance.frozen;
    const { backup, before } = await this.#prepare(frozen, context);
    try {
      await journal.step(
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
          const lost = losses(before, await this.#state(), {
            frozen: frozenSinceBackup,
            allowedDeletes: this.#allowedDeletes(),
          });
          if (lost.length > 0) throw notVerified(lost);
          await this.#mustHold(spec.record);
        }),
      );
    } catch (failure) {
      const contract = async () => (running === null ? null : (await this.#contract(running)).holds);
      await goBack(
        {
          ...{ spec, run, journal, access, store, backup, before, freeze, frozen, frozenSinceBackup },
          runningReleaseHolds: contract,
          timeoutMs: 24 * hoursMs,
        },
        failure,
        context,
      );
    }
    if (frozen) await journal.step("unfreeze", {}, () => unfreezeWrites(run.client, freeze, context));
    const result = await this.#result(
      plan,
      plan.pending.map(({ name }) => name),
      backup,
    );
    await journal.end("done");
    return result;
  }

  /** Freeze, backup and state. If one fails, nothing was migrated and the application may write again. */
  async #prepare(frozen: boolean, context: Context): Promise<{ backup: Manifest; before: State }> {
    const { spec, run, access, store, recovered } = this.#parts;
    const { journal, inheritance } = recovered;
    const freeze = { database: access.migrator.database, app: spec.app };
    try {
      if (frozen) await journal.step("freeze", { app: spec.app }, () => this.#freeze(freeze, context));
      // What a killed run began is judged by what it began from.
      if (inheritance !== null) return { backup: await store.find(inheritance.backup), before: inheritance.before };
      const backup = await this.#restorableBackup(frozen, context);
      return { backup, before: await journal.step("measure", {}, () => this.#state()) };
    } catch (error) {
      if (inheritance !== null) throw error;
      if (frozen) await unfreezeWrites(run.client, freeze, { ...context, signal: AbortSignal.timeout(hoursMs) });
      await journal.end("refused");
      throw error;
    }
  }

  async #freeze(freeze: FreezeTarget, context: Context): Promise<void> {
    const { run, access } = this.#parts;
    await freezeWrites(run.client, freeze, context);
    const writers = await foreignWriters(run.client, freeze, run.applicationName, [access.backup.user]);
    if (writers.length === 0) return;
    throw new OperationError("refused", {
      where: `database ${freeze.database}`,
      what: `others could write during maintenance: ${writers.join(", ")}.`,
      next: "End these sessions and run again; nothing was changed.",
    });
  }

  async #restorableBackup(frozen: boolean, context: Context): Promise<Manifest> {
    const taken: Manifest[] = [];
    await this.#parts.recovered.journal.step("backup", {}, async () => {
      const backup = await this.#backUp(context, frozen);
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

  async #apply(context: Context): Promise<void> {
    const { spec, run, access, plan, script } = this.#parts;
    if (plan.pending.length === 0) return;
    const job = {
      source: spec,
      access: access.migrator,
      runId: run.id,
      historyTable: historyTable(spec),
      lockTimeoutMs: spec.lockTimeoutSeconds * 1000,
      statementTimeoutMs: spec.statementTimeoutSeconds * 1000,
      timeoutMs: (spec.timeoutSeconds ?? 3600) * 1000,
      expected: spec.record.migrations.map(({ name, sha256 }) => ({ name, sha256 })),
      protectedTables: spec.protectedTables.map((one) => ({ ...one, table: qualified(one.table) })),
      allowedDeletes: this.#allowedDeletes(),
    };
    await run.assertHeld();
    await applyMigrations(
      job,
      { client: run.client, run: script, context },
      (name) => plan.pending.find((migration) => migration.name === name)?.transaction === true,
    );
  }

  async #acceptableBackup(context: Context): Promise<Manifest | null> {
    const { spec, store, access } = this.#parts;
    const newest = (await store.manifests()).at(-1);
    const age = newest === undefined ? Infinity : (Date.now() - Date.parse(newest.takenAt)) / 1000;
    if (newest === undefined || age > spec.backupMaxAgeSeconds || newest.database !== access.migrator.database)
      return null;
    return context.progress.step(`read backup ${newest.id}, ${Math.round(age)} s old`, async () => {
      try {
        await readBackupThrough(store, newest, 24 * hoursMs, context);
        return newest;
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        context.progress.note(`${error.message} Another backup is taken instead.`);
        return null;
      }
    });
  }

  async #backUp(context: Context, frozen: boolean): Promise<Manifest> {
    const { spec, run, access, store } = this.#parts;
    return context.progress.step("backup", (progress) =>
      takeBackup(
        {
          access: access.backup,
          applicationName: run.applicationName,
          store,
          reason: "pre-migration",
          historyTable: historyTable(spec),
          frozen,
          release: spec.record,
          timeoutMs: 24 * hoursMs,
        },
        { ...context, progress },
      ),
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

  #state() {
    const { spec, access, run } = this.#parts;
    return readState(access.migrator, run.applicationName, {
      historyTable: historyTable(spec),
      protectedTables: spec.protectedTables,
    });
  }

  #allowedDeletes(): Record<string, number> {
    const { allowedDeletes = {} } = this.#parts.spec;
    return Object.fromEntries(Object.entries(allowedDeletes).map(([table, rows]) => [qualified(table), rows]));
  }
}

/** The name of TypeORM's history in this application. */
export function historyTable(spec: MigrationSpec): string {
  return spec.historyTable ?? "migrations";
}

function notVerified(lost: readonly string[]): OperationError {
  return new OperationError("failed", {
    where: "the migration",
    what: `ran, and lost something:\n${lost.map((one) => `  - ${one}`).join("\n")}\n`,
    next: "Correct it, or declare what it may delete, and build a new release.",
  });
}
