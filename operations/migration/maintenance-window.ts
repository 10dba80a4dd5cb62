import type pg from "pg";
import { setMaintenance } from "../coolify/maintenance.ts";
import type { MaintenanceTarget } from "../coolify/spec.ts";
import { freezeWrites, unfreezeWrites, type FreezeLease, type FreezeTarget } from "../database/freeze.ts";
import type { Context } from "../verb.ts";

/** What a maintenance window closes: the application's writes, and the site, where there is an application to answer for it. */
export interface MaintenanceWindow {
  readonly freeze: FreezeTarget;
  readonly maintenance?: MaintenanceTarget | undefined;
}

/** Tells the users first, then freezes. Returns since when no write can have begun. `client` is on the operations database. */
export async function openWindow(
  client: pg.Client,
  { freeze, maintenance }: MaintenanceWindow,
  lease: FreezeLease,
  context: Context,
): Promise<string> {
  if (maintenance !== undefined) await setMaintenance(maintenance, "on", context);
  return freezeWrites(client, freeze, lease, context);
}

/**
 * Lets the application write, then the users in. A kill in between is found by the freeze's lease, which is forgotten last; a cancel is
 * not obeyed, because nobody may be left frozen and every wait in here has a limit.
 */
export async function closeWindow(
  client: pg.Client,
  { freeze, maintenance }: MaintenanceWindow,
  cancellable: Context,
): Promise<void> {
  const context = { ...cancellable, signal: new AbortController().signal };
  await unfreezeWrites(client, freeze, context, async () => {
    if (maintenance !== undefined) await setMaintenance(maintenance, "off", context);
  });
}
