import type { BackupStore } from "../backup/backup-store.ts";
import type { RunAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { checkContract, readLiveSchema } from "../database/contract.ts";
import type { Run } from "../database/lock.ts";
import { Inheritance, type Recovered } from "../database/recovery.ts";
import type { Ledger } from "../release/ledger.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import { lostBy } from "./lost-by.ts";
import type { ScriptFor } from "./revert.ts";
import { takeWayBack, type Arrival } from "./way-back.ts";

export interface Unsettled {
  readonly run: Run;
  readonly access: RunAccess;
  readonly recovered: Recovered;
  readonly store: BackupStore;
  readonly ledger: Ledger;
  /** The application's role. */
  readonly app: string;
  /** The release that has to live with the outcome; null when none was ever verified. */
  readonly serving: ReleaseRecord | null;
  readonly scriptFor: ScriptFor;
}

/**
 * Decides what becomes of a migration whose release will not be verified any more, in the safe direction: the schema stays where
 * nothing was lost and the release that serves can live with it; otherwise the way back. A journal run of its own, so that it can be
 * killed and begun again. Lifts no freeze.
 */
export async function settle(unsettled: Unsettled, context: Context): Promise<Arrival> {
  const { run, access, recovered, ledger, store, serving } = unsettled;
  const { journal, inheritance } = recovered;
  if (inheritance === null) throw new Error("nothing was inherited");
  await journal.begin({
    run: run.id,
    database: access.migrator.database,
    verb: "migration settle",
    release: inheritance.release,
  });
  await journal.step("inherit", Inheritance.parse(inheritance), () => Promise.resolve());
  for (const dead of inheritance.runs) await journal.end("abandoned", dead);
  const record = inheritance.release === null ? null : await ledger.readRelease(inheritance.release);
  const arrival =
    (await staysAsItIs(unsettled, inheritance, record)) ??
    (await takeWayBack(
      {
        ...{ run, journal, access, store, serving },
        ...{ backup: inheritance.backup, before: inheritance.before, frozenSince: inheritance.frozenSince },
        writes: inheritance.writes,
        freeze: { database: access.migrator.database, app: unsettled.app },
        downs:
          record === null || inheritance.work === null
            ? null
            : { record, work: inheritance.work, script: unsettled.scriptFor(inheritance.work, context) },
      },
      context,
    ));
  if (arrival.unfinished !== true) await journal.end(arrival.outcome);
  return arrival;
}

/** Null when something was lost, or the release that serves could not live with it. */
async function staysAsItIs(
  { access, run, serving }: Unsettled,
  { before, frozenSince, planned }: Inheritance,
  record: ReleaseRecord | null,
): Promise<Arrival | null> {
  if (serving === null) return null;
  const { applicationName } = run;
  const { holds } = await withConnection(access.migrator, { applicationName }, async (client) =>
    checkContract(serving.contract, await readLiveSchema(client)),
  );
  if (!holds) return null;
  // What is taken back loses what it once added; what goes forward may lose nothing but what it declares.
  if (planned !== null) {
    const lost = await lostBy({
      ...{ access: access.migrator, applicationName, before, frozen: frozenSince !== null },
      ...{ record: record ?? { migrations: [] }, differences: [] },
    });
    if (lost.length > 0) return null;
  }
  return {
    outcome: "nothing-to-undo",
    state: `The schema stays as ${record?.id ?? "the release"} left it: release ${serving.id} can live with it, and no row was lost.`,
  };
}
