import { onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { countRows } from "../database/content.ts";
import { checkContract, readLiveSchema } from "../database/contract.ts";
import type { Freeze } from "../database/freeze.ts";
import type { Inherited } from "../database/recovery.ts";
import { OperationError } from "../error.ts";
import { Ledger } from "../release/ledger.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import type { Manifest } from "./manifest.ts";
import type { SwapConsequences } from "./spec.ts";

export interface Exchange {
  /** Of the database that serves. */
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly store: BackupStore;
  readonly manifest: Manifest;
  /** The restored database. */
  readonly target: string;
}

/** What becomes of those who use the database that serves, once the restored one has taken its place. */
export async function swapConsequences(exchange: Exchange, context: Context): Promise<SwapConsequences> {
  const [rows, serving] = await Promise.all([differentCounts(exchange, context), servingRelease(exchange)]);
  return { rows, serving };
}

/** Nobody takes the database away from under a release whose rollout is going on: it is frozen for that release, and within its lease. */
export function refuseWhileUnderWay(inheritance: Inherited | null, freezes: readonly Freeze[]): void {
  const freeze = freezes.find(({ release, leaseEnded }) => release !== null && !leaseEnded);
  if (inheritance?.held !== true || freeze === undefined) return;
  throw new OperationError("refused", {
    where: `release ${inheritance.release ?? "unknown"}`,
    what: `is being rolled out, and the database is frozen for it until ${freeze.leaseUntil}.`,
    next: "Wait for its end, or give --force to take the database away from it; nothing was touched.",
  });
}

/** Refuses when the release that serves could not live with the restored schema. */
export function refuseUnlessItCanServe({ serving }: SwapConsequences, { id }: Manifest): void {
  if (serving === null || serving.reasons.length === 0) return;
  throw new OperationError("refused", {
    where: `backup ${id}`,
    what: `is older than release ${serving.release}, which serves and cannot live with it:\n${serving.reasons.map((reason) => `  - ${reason}`).join("\n")}\n`,
    next: "Go back to a release that can, with `affexai rollback --restore-database`, or give --force; nothing was touched.",
  });
}

/** Null when the database that serves cannot be read any more. */
async function differentCounts(
  { access, applicationName, manifest }: Exchange,
  { progress }: Context,
): Promise<SwapConsequences["rows"]> {
  try {
    const counts = await withConnection(access, { applicationName, settings: { lock_timeout: "5s" } }, countRows);
    const live = new Map(counts.map(({ table, rows }) => [table, rows]));
    const backup = new Map(manifest.tables.map(({ table, rows }) => [table, rows]));
    return [...new Set([...live.keys(), ...backup.keys()])]
      .map((table) => ({ table, live: live.get(table) ?? null, backup: backup.get(table) ?? null }))
      .filter((one) => one.live !== one.backup);
  } catch (error) {
    progress.note(`the rows of ${access.database} cannot be counted: ${String(error)}`);
    return null;
  }
}

async function servingRelease({
  access,
  applicationName,
  store,
  target,
}: Exchange): Promise<SwapConsequences["serving"]> {
  const serving = (await new Ledger(store.storage, store.target).lastKnownGood())?.record;
  if (serving === undefined) return null;
  const { reasons } = await withConnection(onDatabase(access, target), { applicationName }, async (client) =>
    checkContract(serving.contract, await readLiveSchema(client)),
  );
  return { release: serving.id, reasons: [...reasons] };
}
