import type { BackupTarget } from "../../backup/spec.ts";
import { backupStore } from "../../backup/backup-store.ts";
import type { Context } from "../../verb.ts";
import { inImage, type ImageDescription, type MigrationImage } from "../image-runner.ts";
import { rehearse, type Rehearsed } from "./rehearse.ts";
import type { RestoredFrom } from "./scratch-server.ts";

/** The limit for the migrations of one scratch database. */
const timeoutMs = 4 * 3_600_000;

/** A backup to rehearse on: the newest of its environment unless named. */
export interface RehearsalBackup extends BackupTarget {
  readonly id?: string;
}

/** Rehearses what is pending in a backup; without one, or where there is none yet, all migrations from nothing. */
export async function rehearsePending(
  source: MigrationImage,
  description: ImageDescription,
  backup: RehearsalBackup | null,
  context: Context,
  run = inImage(source, context),
): Promise<Rehearsed> {
  const from = backup === null ? null : await find(backup, context);
  return rehearse({ source, description, from, timeoutMs }, context, run);
}

/**
 * Rehearses every migration from nothing, and those that a backup does not have again on its data, which says more. A release's record
 * speaks of all of them: which are pending depends on where it goes.
 */
export async function rehearseAll(
  source: MigrationImage,
  description: ImageDescription,
  backup: RehearsalBackup | null,
  context: Context,
  run = inImage(source, context),
): Promise<Rehearsed> {
  const fromNothing = await rehearsePending(source, description, null, context, run);
  if (backup === null) return fromNothing;
  const onBackup = await rehearsePending(source, description, backup, context, run);
  return { ...onBackup, migrations: new Map([...fromNothing.migrations, ...onBackup.migrations]) };
}

/** The named backup, or the newest if there is any. */
async function find({ id, ...target }: RehearsalBackup, context: Context): Promise<RestoredFrom | null> {
  const store = backupStore(target, context);
  if (id !== undefined) return { store, manifest: await store.find(id) };
  const manifest = (await store.manifests()).at(-1);
  if (manifest !== undefined) return { store, manifest };
  context.progress.note(`${target.environment} has no backup yet`);
  return null;
}
