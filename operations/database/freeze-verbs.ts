import { z } from "zod";
import { MaintenanceTarget } from "../coolify/spec.ts";
import { closeWindow, openWindow } from "../migration/maintenance-window.ts";
import type { Verb } from "../verb.ts";
import { databaseAccess, onDatabase } from "./access.ts";
import { withConnection } from "./connection.ts";
import { isFrozen, readFreezes } from "./freeze.ts";
import { withLock } from "./lock.ts";
import { operationsDatabase } from "./operations-database.ts";
import { Identifier } from "./spec.ts";

/** Whose writes. DATABASE_URL (migrator) comes in the environment. */
export const FreezeStatusSpec = z.strictObject({ app: Identifier });
export const FreezeOnSpec = z.strictObject({
  app: Identifier,
  /** The agent lifts it after this long, and pages. */
  minutes: z.number().positive(),
  /** Turned on with it. COOLIFY_URL and COOLIFY_TOKEN come in the environment. */
  maintenance: MaintenanceTarget.optional(),
});
export const FreezeOffSpec = z.strictObject({ app: Identifier, maintenance: MaintenanceTarget.optional() });

export const FreezeStatus = z.strictObject({
  frozen: z.boolean(),
  /** Since when no write can have begun; null when it is not in force, or by somebody who left no lease. */
  since: z.string().nullable(),
  leaseUntil: z.string().nullable(),
  /** The release that it is for; null when a person froze. */
  release: z.string().nullable(),
});
export type FreezeStatus = z.infer<typeof FreezeStatus>;

/** Looks, and changes nothing: also while a run is at work. */
export const freezeStatus: Verb<typeof FreezeStatusSpec, typeof FreezeStatus> = {
  spec: FreezeStatusSpec,
  result: FreezeStatus,
  async run({ app }, { env }) {
    const access = databaseAccess(env, "DATABASE_URL");
    const { database } = access;
    return withConnection(
      onDatabase(access, operationsDatabase(database)),
      { applicationName: "affexai-freeze" },
      async (client) => {
        const frozen = await isFrozen(client, { database, app });
        const lease = (await readFreezes(client, database)).find((one) => one.app === app);
        const { since = null, leaseUntil = null, release = null } = lease ?? {};
        return { frozen, since: frozen ? since : null, leaseUntil, release };
      },
    );
  },
};

/**
 * Freezes by hand: the application reads on and cannot write. Refused while a run is at work; where a
 * release is frozen for already, that stays as it is.
 */
export const freezeOn: Verb<typeof FreezeOnSpec, typeof FreezeStatus> = {
  spec: FreezeOnSpec,
  result: FreezeStatus,
  async run({ app, minutes, maintenance }, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    await withLock(access, async ({ client }) => {
      const held = (await readFreezes(client, access.database)).find((one) => one.app === app && one.release !== null);
      // A release's own freeze is longer and says for whom it is.
      if (held !== undefined) return context.progress.note(`frozen already, for release ${held.release ?? ""}`);
      const lease = { run: "by hand", release: null, attempt: null, seconds: minutes * 60 };
      await openWindow(client, { freeze: { database: access.database, app }, maintenance }, lease, context);
    });
    return freezeStatus.run({ app }, context);
  },
};

/**
 * Lets the application write, whoever froze. A release that was frozen for and is not verified yet loses its way back without a loss:
 * what users write from now on is only in the database as it is.
 */
export const freezeOff: Verb<typeof FreezeOffSpec, typeof FreezeStatus> = {
  spec: FreezeOffSpec,
  result: FreezeStatus,
  async run({ app, maintenance }, context) {
    const access = databaseAccess(context.env, "DATABASE_URL");
    await withLock(access, async ({ client }) => {
      await closeWindow(client, { freeze: { database: access.database, app }, maintenance }, context);
    });
    return freezeStatus.run({ app }, context);
  },
};
