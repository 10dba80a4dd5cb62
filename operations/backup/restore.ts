import type { Context, Verb } from "../verb.ts";
import type pg from "pg";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { readFreezes } from "../database/freeze.ts";
import { withLock } from "../database/lock.ts";
import { JournalCopy } from "../journal-copy.ts";
import type { Journal } from "../journal.ts";
import { closeWindow } from "../migration/maintenance-window.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { recoverDeadRuns } from "../database/recovery.ts";
import { applyRights } from "../database/roles.ts";
import { backupStore, dumpLimitMs } from "./backup-store.ts";
import { isOwn, summary } from "./manifest.ts";
import { dropDatabase, restoreBeside, seconds } from "./restore-beside.ts";
import { assertRestorable } from "./restore-preflight.ts";
import { keptName, restoredName } from "./restored-names.ts";
import { BackupRestoreResult, BackupRestoreSpec } from "./spec.ts";
import { refuseUnlessItCanServe, refuseWhileUnderWay, swapConsequences, type Exchange } from "./swap-consequences.ts";
import { swapDatabases } from "./swap.ts";

/**
 * Restores a backup beside the database that serves, compares it with the manifest, and swaps the two by name. Everything written
 * since the backup is then only in the database that is kept. A dry run stops before the swap and leaves nothing behind. Refused while a
 * release is being rolled out, and when the one that serves could not live with what would be swapped in, unless `force`.
 */
export const restoreBackup: Verb<typeof BackupRestoreSpec, typeof BackupRestoreResult> = {
  spec: BackupRestoreSpec,
  result: BackupRestoreResult,
  async run(spec, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    const store = backupStore(spec, context);
    const manifest = await store.find(spec.id);
    const { maintenance, force = false } = spec;
    await assertRestorable({ access, store, manifest }, context);
    return withLock(access, async (run) => {
      const copy = new JournalCopy(store.storage, store.target, context.progress);
      const { journal, inheritance } = await recoverDeadRuns(run, access, context, { copy, maintenance });
      if (!spec.dryRun && !force) refuseWhileUnderWay(inheritance, await readFreezes(run.client, access.database));
      await journal.begin({ run: run.id, database: access.database, verb: "backup restore", release: null });
      const { applicationName } = run;
      const [target, kept] = [restoredName(access.database, run.id), keptName(access.database, run.id)];
      const began = performance.now();
      const exchange = { access, applicationName, store, manifest, target };
      const withoutRoles = !isOwn(manifest);
      const restoring = { ...exchange, withoutRoles, local: spec.local, timeoutMs: dumpLimitMs };
      const orLeave = async <T>(work: () => Promise<T>): Promise<T> => {
        try {
          return await work();
        } catch (error) {
          return leave({ access, target, journal, applicationName }, error, context);
        }
      };
      await orLeave(() =>
        journal.step("restore", { backup: manifest.id }, async () => {
          await restoreBeside(restoring, context);
          if (withoutRoles) await giveRights(exchange, spec.app, context);
        }),
      );
      const restoreSeconds = seconds(performance.now() - began);
      const consequences = await orLeave(() => swapConsequences(exchange, context));
      const restored = { id: manifest.id, rows: summary(manifest).rows, restoreSeconds, consequences };
      if (spec.dryRun) {
        await onOperations(access, applicationName, (client) => dropDatabase(client, target));
        await journal.end("tried");
        return { ...restored, swapped: false, kept: null, swapSeconds: null, lostSettings: [] };
      }
      const swapBegan = performance.now();
      const { lostSettings } = await orLeave(async () => {
        if (!force) refuseUnlessItCanServe(consequences, manifest);
        await run.assertHeld();
        return journal.step("swap", { kept }, () =>
          swapDatabases(run.client, { access, restored: target, kept }, context),
        );
      });
      const swapSeconds = seconds(performance.now() - swapBegan);
      await journal.end("restored");
      // What a killed migration had left behind went away with the database that it was in.
      for (const dead of inheritance?.runs ?? []) await journal.end("abandoned", dead);
      // So did a freeze: its lease would be found without one, and users would go on seeing the page that tells of it.
      for (const { database, app } of await readFreezes(run.client, access.database)) {
        await closeWindow(run.client, { freeze: { database, app }, maintenance }, context);
      }
      return { ...restored, swapped: true, kept, swapSeconds, lostSettings: [...lostSettings] };
    });
  },
};

/** What another environment's roles own and may do there is here the roles' of this one. */
async function giveRights(
  { access, applicationName, target }: Exchange,
  app: string,
  { progress }: Context,
): Promise<void> {
  await progress.step(`rights of ${app} in ${target}`, () =>
    withConnection(onDatabase(access, target), { applicationName }, (client) =>
      applyRights(client, { migrator: access.user, app }),
    ),
  );
}

interface Failed {
  readonly access: DatabaseAccess;
  readonly target: string;
  readonly journal: Journal;
  readonly applicationName: string;
}

/** After a failure nothing was changed once the restored database is gone. When that cannot be done now, the run stays open: the next one does it. */
async function leave(
  { access, target, journal, applicationName }: Failed,
  failure: unknown,
  { progress }: Context,
): Promise<never> {
  try {
    await onOperations(access, applicationName, (client) => dropDatabase(client, target));
    await journal.end("refused");
  } catch (error) {
    progress.note(`the next run cleans up after this one: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw failure;
}

function onOperations<T>(access: DatabaseAccess, applicationName: string, work: (client: pg.Client) => Promise<T>) {
  return withConnection(onDatabase(access, operationsDatabase(access.database)), { applicationName }, work);
}
