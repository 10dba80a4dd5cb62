import { failAttemptOnError } from "../release/attempt.ts";
import { OperationError } from "../error.ts";
import { Ledger, attemptState } from "../release/ledger.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { runAccess, type DatabaseAccess, type RunAccess } from "../database/access.ts";
import { BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { GuardedMigration } from "./guarded-migration.ts";
import { hadRows, holdsRows } from "../database/holds-rows.ts";
import { readHistory } from "../database/history.ts";
import { readFreezes } from "../database/freeze.ts";
import { inImage } from "./image-runner.ts";
import { JournalCopy } from "../journal-copy.ts";
import { keptSchema } from "./kept-schema.ts";
import { withLock, type Run } from "../database/lock.ts";
import { planMigration } from "./plan.ts";
import { explainedMigrations } from "./explained-migrations.ts";
import { preflight } from "./preflight.ts";
import { refuseWhileBusy } from "./refuse-while-busy.ts";
import { recoverDeadRuns, type Inherited, type Recovered } from "../database/recovery.ts";
import type { ScriptFor } from "./revert.ts";
import { settle } from "./settle.ts";
import { MigrationResult, MigrationSpec, defaultHistoryTable } from "./spec.ts";
import { arrived } from "./way-back.ts";
import { RetireResult } from "../database/spec.ts";

/**
 * The guarded migration of one release. In this order: lock; the remains of killed runs; preflight; the attempt in the ledger; freeze, if
 * the release declares maintenance; backup, proven by a restore under the freeze; the state before; migrate; the state after; the contracts of this release and of the one that
 * serves. A failure after the backup takes the way back. Run again after a kill -9 at any point, it goes on from there; a release that
 * does not hold what an unverified one began takes that one's way back first. A freeze stays in force until the release's ledger entry.
 */
export const runMigration: Verb<typeof MigrationSpec, typeof MigrationResult> = {
  spec: MigrationSpec,
  result: MigrationResult,
  run: (spec, context) => guardedMigration(spec, context),
};

/** Destroys nothing: a schema is not undone by taking its migration out of the program. */
export const retireMigration: Verb<typeof MigrationSpec, typeof RetireResult> = {
  spec: MigrationSpec,
  result: RetireResult,
  async run(spec, { progress }) {
    progress.note(`the schema of ${spec.ledger.environment} and its backups are kept`);
    return { retired: true, kept: ["schema", "data", "backups"] };
  },
};

/** `runMigration`, with the way in which scripts are run inside images. */
export async function guardedMigration(
  spec: MigrationSpec,
  context: Context,
  scriptFor: ScriptFor = inImage,
): Promise<MigrationResult> {
  const access = runAccess(context.env);
  for (;;) {
    const result = await withLock(access.migrator, (run) =>
      migrateUnderLock({ spec, access, run, scriptFor }, context),
    );
    // What another release had left unverified is settled; this one begins anew, as a run of its own.
    if (result !== "settled") return result;
  }
}

interface Attempt {
  readonly spec: MigrationSpec;
  readonly access: RunAccess;
  readonly run: Run;
  readonly scriptFor: ScriptFor;
}

async function migrateUnderLock(
  { spec, access, run, scriptFor }: Attempt,
  context: Context,
): Promise<MigrationResult | "settled"> {
  const storage = objectStorage(context.env);
  const ledger = new Ledger(storage, spec.ledger);
  const store = new BackupStore(storage, { bucket: spec.ledger.bucket, environment: spec.ledger.environment });
  const recovered = await recoverDeadRuns(run, access.migrator, context, {
    copy: new JournalCopy(storage, spec.ledger, context.progress),
    maintenance: spec.maintenance,
    isVerified: async (attempt) => attemptState((await ledger.attempt(attempt)).events) === "verified",
  });
  await context.progress.step("preflight", (progress) =>
    preflight(
      { spec, access, applicationName: run.applicationName, begins: recovered.inheritance === null },
      { ...context, progress },
    ),
  );
  if (recovered.inheritance !== null && !goesOnFrom(recovered.inheritance, spec)) {
    await settleOther({ spec, access, run, scriptFor }, { recovered, ledger, store }, context);
    return "settled";
  }
  const running = (await ledger.lastKnownGood())?.record ?? null;
  const previous = (await ledger.lastKnownGood(spec.record.id))?.record ?? null;
  const { history, ...found } = await foundIn(spec, access.migrator, run);
  // What a killed run began on an empty database has filled it.
  const holdsData = recovered.inheritance === null ? found.holdsData : hadRows(recovered.inheritance.before);
  const explained = await explainedMigrations(ledger, spec.record, history);
  const plan = planMigration({ record: spec.record, history, explained, running, holdsData });
  // A freeze that is leased for a release is that of an attempt which this one takes the place of.
  const freezes = await readFreezes(run.client, access.migrator.database);
  const leased = freezes.some(({ app, release }) => app === spec.app && release !== null);
  if (recovered.inheritance === null) {
    const ending = spec.record.maintenance ? [spec.app] : [];
    const { applicationName } = run;
    await refuseWhileBusy({ access: access.migrator, applicationName, pending: plan.pending, ending });
  }
  // Recorded before anything changes: whoever comes later has to know where the rows of the history came from.
  await ledger.putRelease(spec.record);
  const attempt = await ledger.joinAttempt(spec.stamp, "migration run");
  return failAttemptOnError(ledger, attempt, async () => {
    const script = scriptFor(spec, context);
    const parts = { spec, access, run, recovered, plan, leased, running, previous, script, store, attempt };
    const result = { attempt, ...(await new GuardedMigration(parts).execute(context)) };
    const kept = spec.record.maintenance || leased ? null : keptSchema(spec.record, previous, result);
    if (kept !== null) context.progress.note(kept);
    return result;
  });
}

/** Whether the release holds everything that was begun, so that it can go on from there. */
function goesOnFrom({ planned }: Inherited, { record }: MigrationSpec): boolean {
  return planned?.every((name) => record.migrations.some((migration) => migration.name === name)) === true;
}

/** Takes the way back of a release that this one replaces. The freeze stays: it is this release's from here on. */
async function settleOther(
  { spec, access, run, scriptFor }: Attempt,
  { recovered, ledger, store }: { recovered: Recovered; ledger: Ledger; store: BackupStore },
  context: Context,
): Promise<void> {
  const { attempt, release } = recovered.inheritance ?? {};
  const what = `release ${release ?? "unknown"}, which was not verified`;
  const arrival = await context.progress.step(`the way back of ${what}`, (progress) =>
    settle(
      { run, access, recovered, store, ledger, app: spec.app, serving: spec.record, scriptFor },
      { ...context, progress },
    ),
  );
  context.progress.note(arrival.state);
  if (attempt != null) await ledger.close(attempt, "failed", arrival.state);
  if (arrival.outcome !== "stopped") return;
  throw arrived(
    new OperationError("stopped", {
      where: `release ${spec.record.id}`,
      what: `cannot take the place of ${what}.`,
      next: "Decide which of the two is to serve.",
    }),
    arrival,
  );
}

async function foundIn(
  spec: MigrationSpec,
  access: DatabaseAccess,
  run: Run,
): Promise<{ history: string[]; holdsData: boolean }> {
  const historyTable = spec.historyTable ?? defaultHistoryTable;
  return withConnection(access, { applicationName: run.applicationName }, async (client) => ({
    history: (await readHistory(client, historyTable)).map(({ name }) => name),
    holdsData: await holdsRows(client, historyTable),
  }));
}
