import type pg from "pg";
import type { JournalCopy } from "./journal-copy.ts";

/** A run as the journal knows it. */
export interface JournalRun {
  readonly run: string;
  readonly database: string;
  readonly verb: string;
  /** The release it deploys, if it deploys one. */
  readonly release: string | null;
}

export interface JournalStep {
  readonly name: string;
  readonly finished: boolean;
  /** Given when the step began, and what it gave when it finished. */
  readonly detail: unknown;
  readonly result: unknown;
}

/** How a run ended. */
export type RunOutcome =
  | "done"
  /** The database is as it was, or as the release that serves can live with it. */
  | "nothing-to-undo"
  /** The downs of the migrations brought it back, as proven before and compared after. */
  | "reverted"
  | "restored"
  /** A restore was tried without a swap. */
  | "tried"
  /** Somebody has to decide. */
  | "stopped"
  /** Refused by a check; nothing was changed. */
  | "refused"
  /** Killed; a later run cleaned up, or went on with it. */
  | "abandoned";

const tables = `
  CREATE TABLE IF NOT EXISTS public.run (
    id text PRIMARY KEY, database text NOT NULL, verb text NOT NULL, release text,
    started timestamptz NOT NULL DEFAULT clock_timestamp(), finished timestamptz, outcome text);
  CREATE TABLE IF NOT EXISTS public.step (
    run text NOT NULL REFERENCES public.run, number int NOT NULL, name text NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(), finished timestamptz,
    detail jsonb NOT NULL, result jsonb, PRIMARY KEY (run, number))`;

/**
 * What the runs on a database did, step by step, in a database of its own that no restore replaces. Each step is written before it
 * begins and after it ended, so a run that was killed shows where. One run writes at a time: it holds the database's lock.
 * The table is the authority; a copy elsewhere is for people who have lost the server.
 */
export class Journal {
  readonly #client: pg.Client;
  readonly #copy: JournalCopy | null;
  #run: string | null = null;
  #number = 0;

  private constructor(client: pg.Client, copy: JournalCopy | null) {
    this.#client = client;
    this.#copy = copy;
  }

  /** Opens the journal, making its tables when they are not there. `client` is on the operations database. */
  static async open(client: pg.Client, copy: JournalCopy | null = null): Promise<Journal> {
    await client.query(tables);
    return new Journal(client, copy);
  }

  /** Runs on a database that began and never ended, oldest first. Under the lock none of them is alive. */
  async unfinished(database: string): Promise<JournalRun[]> {
    const { rows } = await this.#client.query<JournalRun>(
      `SELECT id AS run, database, verb, release FROM public.run WHERE database = $1 AND finished IS NULL ORDER BY started`,
      [database],
    );
    return rows;
  }

  /** The steps of a run in their order. */
  async steps(run: string): Promise<JournalStep[]> {
    const { rows } = await this.#client.query<JournalStep>(
      `SELECT name, finished IS NOT NULL AS finished, detail, result FROM public.step WHERE run = $1 ORDER BY number`,
      [run],
    );
    return rows;
  }

  async begin({ run, database, verb, release }: JournalRun): Promise<void> {
    await this.#client.query("INSERT INTO public.run (id, database, verb, release) VALUES ($1, $2, $3, $4)", [
      run,
      database,
      verb,
      release,
    ]);
    this.#run = run;
    this.#copy?.add(run, "begun", { database, verb, release });
  }

  /** Records a step around `work`. `detail` and the step's result are JSON; never a secret. A step that throws stays unfinished. */
  async step<T>(name: string, detail: object, work: () => Promise<T>): Promise<T> {
    const number = await this.#beginStep(name, detail);
    const result = await work();
    await this.#client.query(
      "UPDATE public.step SET finished = clock_timestamp(), result = $3 WHERE run = $1 AND number = $2",
      [this.#run, number, JSON.stringify(result ?? null)],
    );
    if (this.#run !== null) this.#copy?.add(this.#run, `${twoDigits(number)}-${name}.finished`, { result });
    return result;
  }

  /** Records a step that another process finishes, by ending the run. The run stays open, and is not dead. */
  async leaveOpen(name: string, detail: object): Promise<void> {
    await this.#beginStep(name, detail);
    await this.#copy?.settled();
  }

  /** Closes the run, or another one that was found unfinished. */
  async end(outcome: RunOutcome, run = this.#run): Promise<void> {
    await this.#client.query("UPDATE public.run SET finished = clock_timestamp(), outcome = $2 WHERE id = $1", [
      run,
      outcome,
    ]);
    if (run !== null) this.#copy?.add(run, "ended", { outcome });
    await this.#copy?.settled();
  }

  async #beginStep(name: string, detail: object): Promise<number> {
    const number = (this.#number += 1);
    await this.#client.query("INSERT INTO public.step (run, number, name, detail) VALUES ($1, $2, $3, $4)", [
      this.#run,
      number,
      name,
      JSON.stringify(detail),
    ]);
    if (this.#run !== null) this.#copy?.add(this.#run, `${twoDigits(number)}-${name}.begun`, { detail });
    return number;
  }
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
