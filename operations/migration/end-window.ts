import { setTimeout as delay } from "node:timers/promises";
import { databaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { checkContract, readLiveSchema } from "../database/contract.ts";
import { readFreezes } from "../database/freeze.ts";
import { LockHeld, withLock, type Run } from "../database/lock.ts";
import { OperationError } from "../error.ts";
import { JournalCopy } from "../journal-copy.ts";
import { Journal } from "../journal.ts";
import type { LedgerEntrySpec } from "../release/spec.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import type { z } from "zod";
import { closeWindow } from "./maintenance-window.ts";

/** A release whose ledger entry ends what its migration froze. */
export type VerifiedRelease = Pick<z.output<typeof LedgerEntrySpec>, "record" | "ledger"> & {
  readonly window: NonNullable<z.output<typeof LedgerEntrySpec>["window"]>;
};

const lockLimitMs = 60_000;

/**
 * Lets `write` record the release, and then the application write: what was frozen for this release is lifted, and its run closed.
 * Refused when the schema is not the release's any more, because somebody took the way back meanwhile. Killed in between, the same
 * call goes on from there; so does the agent, by the entry. DATABASE_URL (migrator) comes in the environment.
 */
export async function endWindow<T>(release: VerifiedRelease, write: () => Promise<T>, context: Context): Promise<T> {
  const access = databaseAccess(context.env, "DATABASE_URL");
  return withLockSoon(access, context, async (run) => {
    await mustFit(release, access, run);
    const entry = await write();
    const { record, ledger, window } = release;
    for (const { app, release: frozenFor } of await readFreezes(run.client, access.database)) {
      if (app !== window.app || frozenFor !== record.id) continue;
      const freeze = { database: access.database, app };
      await closeWindow(run.client, { freeze, maintenance: window.maintenance }, context);
    }
    const journal = await Journal.open(
      run.client,
      new JournalCopy(objectStorage(context.env), ledger, context.progress),
    );
    for (const open of await journal.unfinished(access.database)) {
      const held = (await journal.steps(open.run)).some(({ name }) => name === "hold");
      if (held && open.release === record.id) await journal.end("done", open.run);
    }
    return entry;
  });
}

async function mustFit(
  { record }: VerifiedRelease,
  access: Parameters<typeof withLock>[0],
  { applicationName }: Run,
): Promise<void> {
  const { holds, reasons } = await withConnection(access, { applicationName }, async (client) =>
    checkContract(record.contract, await readLiveSchema(client)),
  );
  if (holds) return;
  throw new OperationError("refused", {
    where: `release ${record.id}`,
    what: `is not recorded, because the schema is not the one it was released with any more:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}\n`,
    next: "Somebody took the way back meanwhile: its lease had ended. Run `pulumi up` again.",
  });
}

/** An agent that looks after the database holds the lock for a moment. */
async function withLockSoon<T>(
  access: Parameters<typeof withLock>[0],
  { signal }: Context,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + lockLimitMs;
  for (;;) {
    try {
      return await withLock(access, work);
    } catch (error) {
      if (!(error instanceof LockHeld) || Date.now() > deadline) throw error;
      await delay(500, undefined, { signal });
    }
  }
}
