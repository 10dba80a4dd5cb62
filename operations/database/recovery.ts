import { z } from "zod";
import { EngineOutOfReach, removeRun } from "../image/remove-run.ts";
import type { JournalCopy } from "../journal-copy.ts";
import { Journal, type JournalRun, type JournalStep } from "../journal.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "./access.ts";
import { frozenSince, readFreezes } from "./freeze.ts";
import { WriteCounters } from "./frozen-writes.ts";
import { runName, type Run } from "./lock.ts";
import { dropDatabase } from "../backup/restore-beside.ts";
import { keptName, restoredName } from "../backup/restored-names.ts";
import type { MaintenanceTarget } from "../coolify/spec.ts";
import { endSessions } from "./sessions.ts";
import { closeWindow } from "../migration/maintenance-window.ts";
import { ImageRuntime, MigrationWork } from "../migration/spec.ts";
import { State, isSame, likeState, readState } from "./state.ts";

/** What a run records of itself before it changes anything, for whoever has to go on from there. */
export const RunPlan = z.object({
  /** The attempt in the ledger, when it is a release's. */
  attempt: z.string().nullable(),
  /** Names of the migrations that it is to apply; null when it is to take some back. */
  planned: z.array(z.string()).nullable(),
  /** How the image's migrations are run. */
  work: MigrationWork.nullable(),
});
export type RunPlan = z.infer<typeof RunPlan>;

/**
 * What a run that was killed half-way, or whose release was never verified, left to the next one: the state that it began from, and the
 * backup that holds it. The next run is judged against that state, and goes back to that backup.
 */
export const Inheritance = z.object({
  ...RunPlan.shape,
  before: State,
  backup: z.string(),
  /** Since when writes have been frozen, from before the backup's snapshot on and without a gap; null when they have not. */
  frozenSince: z.string().nullable(),
  /** The release whose migrations ran. */
  release: z.string().nullable(),
  /** What was written when all of it had run, where nobody was to write after that; null when it is not known. */
  writes: WriteCounters.nullable().default(null),
});
export type Inheritance = z.infer<typeof Inheritance>;

/** An inheritance with the open runs that it is of. */
export interface Inherited extends Inheritance {
  readonly runs: readonly string[];
  /** The newest of them was not killed: it waits for the release's ledger entry. */
  readonly held: boolean;
}

export interface Recovered {
  readonly journal: Journal;
  /** The newest run that had begun to change something and was neither undone nor verified; it stays open until somebody takes it over. */
  readonly inheritance: Inherited | null;
  /** Runs that were closed here. */
  readonly ended: readonly {
    readonly run: string;
    readonly release: string | null;
    readonly outcome: "done" | "restored" | "abandoned";
  }[];
}

export interface RecoveryOptions {
  readonly copy?: JournalCopy;
  /** Turned off when a freeze is lifted. */
  readonly maintenance?: MaintenanceTarget | undefined;
  /** Whether the ledger calls an attempt verified. Without it, nothing counts as verified. */
  readonly isVerified?: (attempt: string) => Promise<boolean>;
}

/**
 * Opens the journal and cleans up after runs that were killed: ends their containers, processes and sessions, waits until the sessions are gone,
 * reopens a database that was closed for a swap, drops what was restored beside and not swapped in, lifts a freeze that protects nothing.
 * Only under the lock: every run that is open then is dead, or waits for its ledger entry.
 */
export async function recoverDeadRuns(
  run: Run,
  access: DatabaseAccess,
  context: Context,
  options: RecoveryOptions = {},
): Promise<Recovered> {
  const journal = await Journal.open(run.client, options.copy);
  const inherited: (Inheritance & { run: string; held: boolean })[] = [];
  const ended: Recovered["ended"][number][] = [];
  for (const dead of await journal.unfinished(access.database)) {
    const left = await context.progress.step(`clean up after run ${dead.run}, which did not end`, (progress) =>
      recover({ run, access, journal, dead, options }, { ...context, progress }),
    );
    if (typeof left === "string") ended.push({ run: dead.run, release: dead.release, outcome: left });
    else inherited.push({ ...left, run: dead.run });
  }
  const newest = inherited.at(-1);
  return {
    journal,
    inheritance: newest === undefined ? null : { ...newest, runs: inherited.map((one) => one.run) },
    ended,
  };
}

interface Dead {
  readonly run: Run;
  readonly access: DatabaseAccess;
  readonly journal: Journal;
  readonly dead: JournalRun;
  readonly options: RecoveryOptions;
}

/** What the run left, or how it was closed. */
async function recover(
  { run, access, journal, dead, options }: Dead,
  context: Context,
): Promise<(Inheritance & { held: boolean }) | "done" | "restored" | "abandoned"> {
  const steps = await journal.steps(dead.run);
  await endInImage(dead.run, steps, context);
  const name = runName(dead.run);
  await endSessions(run.client, `the end of the sessions of run ${dead.run}`, "application_name = $1", [name], context);
  const swapped = await cleanDatabases(run, access, dead.run);
  const held = steps.some((step) => step.name === "hold");
  const left = swapped ? null : await inheritanceOf(access, dead, steps, run);
  const verified = held && left?.attempt != null && (await options.isVerified?.(left.attempt)) === true;
  if (left !== null && !verified) {
    if (held || !(await isUnchanged(access, name, left))) return { ...left, held };
  }
  for (const { app, ...freeze } of await readFreezes(run.client, access.database)) {
    if (freeze.run !== dead.run) continue;
    const { maintenance } = options;
    await closeWindow(run.client, { freeze: { database: access.database, app }, maintenance }, context);
  }
  const outcome = verified ? "done" : swapped ? "restored" : "abandoned";
  await journal.end(outcome, dead.run);
  return outcome;
}

const InImage = z.object({ imageRuntime: ImageRuntime });

/**
 * Ends what a run left at work in an image. Its container may be on another machine, or out of this one's reach: what is left of it there
 * does nothing more once its sessions have ended, because every new one looks first whether its run still holds the lock (guard.mjs).
 */
async function endInImage(dead: string, steps: readonly JournalStep[], { env, progress }: Context): Promise<void> {
  const atWork = steps.filter(({ name, finished }) => !finished && (name === "migrate" || name === "revert"));
  for (const { detail } of atWork) {
    try {
      await removeRun(dead, InImage.parse(detail).imageRuntime, env.DOCKER_HOST);
    } catch (error) {
      if (!(error instanceof EngineOutOfReach)) throw error;
      const { where, what } = error.text;
      progress.note(`a container of run ${dead} cannot be ended from here (${where}: ${what}); it stops by itself`);
    }
  }
}
const Held = z.object({ writes: WriteCounters.nullable().default(null) });
const Frozen = z.object({ app: z.string() });
/** An accepted backup is older than the freeze. */
const BackedUp = z.object({ accepted: z.boolean().default(false) });

/** Undoes a swap that was not finished. True when it was: both renames are one transaction. */
async function cleanDatabases({ client }: Run, { database }: DatabaseAccess, dead: string): Promise<boolean> {
  const { rows } = await client.query<{ datname: string; open: boolean }>(
    "SELECT datname::text, datallowconn AS open FROM pg_database WHERE datname = ANY($1)",
    [[database, keptName(database, dead), restoredName(database, dead)]],
  );
  if (rows.some(({ datname }) => datname === keptName(database, dead))) return true;
  const serving = rows.find(({ datname }) => datname === database);
  if (serving?.open === false) await client.query(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS true`);
  await dropDatabase(client, restoredName(database, dead));
  return false;
}

/** What the run's steps say of what it began from; null when it had not begun to change anything. */
async function inheritanceOf(
  access: DatabaseAccess,
  dead: JournalRun,
  steps: readonly JournalStep[],
  run: Run,
): Promise<Inheritance | null> {
  const find = (name: string) => steps.find((step) => step.name === name);
  const last = find("inherit");
  const older = last === undefined ? null : Inheritance.parse(last.detail);
  const plan = find("plan");
  const own = plan === undefined ? null : { ...RunPlan.parse(plan.detail), release: dead.release };
  const frozen = find("freeze");
  const app = frozen === undefined ? older?.work?.app : Frozen.parse(frozen.detail).app;
  const now = app === undefined ? null : await frozenSince(run.client, { database: access.database, app });
  const unbroken = (since: string | null) => (since !== null && since === now ? since : null);
  const begun = find("migrate") ?? find("revert");
  const held = find("hold");
  const writes = held === undefined ? null : Held.parse(held.detail).writes;
  if (older !== null) {
    const known = begun === undefined ? older.writes : writes;
    return { ...older, ...own, frozenSince: unbroken(older.frozenSince), writes: known };
  }
  const [measured, backup] = [find("measure"), find("backup")];
  if (own === null || begun === undefined || measured?.finished !== true || backup?.finished !== true) return null;
  const { accepted } = BackedUp.parse(backup.detail);
  return {
    ...own,
    writes,
    before: State.parse(measured.result),
    backup: z.string().parse(backup.result),
    frozenSince: unbroken(frozen?.finished === true && !accepted ? z.string().parse(frozen.result) : null),
  };
}

/** Nothing was committed: the migrations had not begun, or were rolled back. */
async function isUnchanged(access: DatabaseAccess, name: string, left: Inheritance): Promise<boolean> {
  const { before } = left;
  const now = await readState(access, name, likeState(before));
  return isSame(before, now, left.frozenSince !== null);
}
