import { databaseUrl } from "../../database/access.ts";
import { withConnection } from "../../database/connection.ts";
import { checkContract, readLiveSchema } from "../../database/contract.ts";
import { runName } from "../../database/lock.ts";
import type { Context } from "../../verb.ts";
import type { ImageDescription, MigrationImage, RunScript } from "../image-runner.ts";
import { GateKeeper, gateKey } from "./gate-keeper.ts";
import { Observations, type RehearsedMigration } from "./observations.ts";
import { runRehearsalScript } from "./script.ts";
import { withScratchServer, type RestoredFrom, type Scratch } from "./scratch-server.ts";

export interface RehearsalRequest {
  readonly source: MigrationImage;
  readonly description: ImageDescription;
  /** The backup to rehearse on, or null for a database that the image's own migrations make. */
  readonly from: RestoredFrom | null;
  /** For each database that it takes. */
  readonly timeoutMs: number;
}

export interface Rehearsed {
  /** By name, in order. What the backup has already is not in it, nor what comes after a failure. */
  readonly migrations: ReadonlyMap<string, RehearsedMigration>;
  /** The migration whose `up` failed, which ends the rehearsal. */
  readonly failure: { readonly migration: string; readonly message: string } | null;
  /** What the entities map and no migration made. Empty after a failure. */
  readonly unmade: readonly string[];
}

/**
 * Runs the pending migrations on scratch databases of REHEARSAL_DATABASE_URL, each traced and then up, down and up again. After a way back
 * that left something behind, the rest is rehearsed on a new one. Nothing else is touched, and nothing stays.
 */
export async function rehearse(request: RehearsalRequest, context: Context, run: RunScript): Promise<Rehearsed> {
  return withScratchServer(context, async (make) => {
    const migrations = new Map<string, RehearsedMigration>();
    for (;;) {
      const scratch = await make(request.from);
      const seen = await context.progress.step(
        `rehearse the migrations on ${scratch.backup === null ? "an empty database" : `backup ${scratch.backup}`}`,
        (progress) => rehearseOn(scratch, request, [...migrations.keys()], { ...context, progress }, run),
      );
      for (const [name, migration] of seen.migrations) migrations.set(name, migration);
      if (!seen.spoiled) return { migrations, failure: seen.failure, unmade: seen.unmade };
    }
  });
}

/** `done`: migrations that were rehearsed on another database, and are only run here. */
async function rehearseOn(
  scratch: Scratch,
  { source, description, timeoutMs }: RehearsalRequest,
  done: readonly string[],
  context: Context,
  run: RunScript,
): Promise<Rehearsed & { spoiled: boolean }> {
  const { access, runId } = scratch;
  const last = description.migrations.at(-1)?.name;
  return withConnection(access, { applicationName: `affexai-gates-${runId}` }, async (client) => {
    const gates = new GateKeeper(client);
    await gates.close();
    const observations = new Observations(client, description.historyTable, scratch.backup);
    const ended = await runRehearsalScript(
      {
        ...{ run, runId, timeoutMs, url: databaseUrl(access), client },
        job: {
          ...{ dataSource: source.dataSource, database: access.database, user: access.user },
          ...{ applicationName: runName(runId), historyTable: description.historyTable, gateKey, plain: done },
          expected: description.migrations.map(({ name, sha256 }) => ({ name, sha256 })),
          roundTrip: description.migrations.filter(({ hasDown }) => hasDown).map(({ name }) => name),
        },
      },
      async (reached) => {
        if (reached.step === "before") context.progress.note(`${reached.name}: up, down and up again`);
        await observations.see(reached);
        if (observations.spoiled && reached.name !== last) return "end";
        await gates.open(reached.gate);
        return "go on";
      },
      context,
    );
    const { migrations, failure } = observations;
    const complete = ended === "finished" && failure === null && !observations.spoiled;
    const unmade = complete ? checkContract(description.contract, await readLiveSchema(client)).reasons : [];
    return { migrations, failure, unmade, spoiled: ended === "stopped" };
  });
}
