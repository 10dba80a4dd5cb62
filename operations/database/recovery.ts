import { z } from "zod";
import { removeRun } from "../image/remove-run.ts";
import { Journal, type JournalRun, type JournalStep } from "../journal.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "./access.ts";
import { isFrozen, unfreezeWrites } from "./freeze.ts";
import { runName, type Run } from "./lock.ts";
import { dropDatabase } from "../backup/restore-beside.ts";
import { keptName, restoredName } from "../backup/restored-names.ts";
import { endSessions } from "./sessions.ts";
import { ImageRuntime } from "../migration/spec.ts";
import { State, isSame, readState } from "./state.ts";

/**
 * What a run that was killed half-way left to the next one: the state that its migrations began from, and the backup that holds it. The
 * next run is judged against that state, and goes back to that backup.
 */
export const Inheritance = z.object({
  before: State,
  backup: z.string(),
  /** Writes have been frozen since before the backup's snapshot, without a gap. */
  frozen: z.boolean(),
});
export type Inheritance = z.infer<typeof Inheritance>;

export interface Recovered {
  readonly journal: Journal;
  /** The newest killed run that had begun to change something and was not undone; it stays open until `adopt`. */
  readonly inheritance: (Inheritance & { readonly runs: readonly string[] }) | null;
}

/**
 * Opens the journal and cleans up after runs that were killed: ends their containers, processes and sessions, waits until they are gone,
 * reopens a database that was closed for a swap, drops what was restored beside and not swapped in, lifts a freeze that protects nothing.
 * Only under the lock: every run that is open then is dead.
 */
export async function recoverDeadRuns(run: Run, access: DatabaseAccess, context: Context): Promise<Recovered> {
  const journal = await Journal.open(run.client);
  const inherited: (Inheritance & { run: string })[] = [];
  for (const dead of await journal.unfinished(access.database)) {
    const left = await context.progress.step(`clean up after run ${dead.run}, which was killed`, (progress) =>
      recover(run, access, journal, dead, { ...context, progress }),
    );
    if (left !== null) inherited.push({ ...left, run: dead.run });
  }
  const newest = inherited.at(-1);
  return {
    journal,
    inheritance: newest === undefined ? null : { ...newest, runs: inherited.map((one) => one.run) },
  };
}

async function recover(
  run: Run,
  access: DatabaseAccess,
  journal: Journal,
  dead: JournalRun,
  context: Context,
): Promise<Inheritance | null> {
  const steps = await journal.steps(dead.run);
  for (const { detail } of steps.filter(({ name }) => name === "migrate")) {
    await removeRun(dead.run, MigrateDetail.parse(detail).imageRuntime);
  }
  const name = runName(dead.run);
  await endSessions(run.client, `the end of the sessions of run ${dead.run}`, "application_name = $1", [name], context);
  const swapped = await cleanDatabases(run, access, dead.run);
  const left = swapped ? null : await inheritanceOf(access, name, steps, run);
  if (left !== null) return left;
  const freeze = steps.find((step) => step.name === "freeze");
  if (freeze !== undefined && !swapped) {
    const target = { database: access.database, app: FreezeDetail.parse(freeze.detail).app };
    if (await isFrozen(run.client, target)) await unfreezeWrites(run.client, target, context);
  }
  await journal.end(swapped ? "restored" : "abandoned", dead.run);
  return null;
}

const MigrateDetail = z.object({ imageRuntime: ImageRuntime });
const FreezeDetail = z.object({ app: z.string() });

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

/** Null when nothing was changed: the migrations had not begun, or were rolled back. */
async function inheritanceOf(
  access: DatabaseAccess,
  name: string,
  steps: readonly JournalStep[],
  run: Run,
): Promise<Inheritance | null> {
  const [last] = steps.filter((step) => step.name === "inherit").map((step) => Inheritance.parse(step.detail));
  const measured = steps.find((step) => step.name === "measure" && step.finished);
  const backup = steps.find((step) => step.name === "backup" && step.finished);
  const begun = steps.some((step) => step.name === "migrate");
  if (last === undefined && !(begun && measured !== undefined && backup !== undefined)) return null;
  const before = last?.before ?? State.parse(measured?.result);
  const freeze = steps.find((step) => step.name === "freeze" && step.finished);
  const frozen = last?.frozen ?? freeze !== undefined;
  const app = freeze === undefined ? undefined : FreezeDetail.parse(freeze.detail).app;
  const still = app === undefined || (await isFrozen(run.client, { database: access.database, app }));
  const protectedTables = before.protected.map(({ table, columns }) => ({ table, columns: [...columns] }));
  const now = await readState(access, name, { historyTable: before.historyTable, protectedTables });
  if (isSame(before, now, frozen && still)) return null;
  return { before, backup: last?.backup ?? z.string().parse(backup?.result), frozen: frozen && still };
}
