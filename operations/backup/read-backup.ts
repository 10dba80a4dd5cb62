import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { feedPgRestore } from "./feed-pg-restore.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Reads a backup to its last byte: the dump's length and SHA-256, and whether pg_restore understands all of it. (`pg_restore --list`
 * is content with a truncated file, and the format has no checksum of its own.) Only a restore proves more.
 */
export async function readBackupThrough(
  store: BackupStore,
  manifest: Manifest,
  timeoutMs: number,
  context: Pick<Context, "env" | "signal">,
): Promise<void> {
  await feedPgRestore({ store, manifest, arguments: ["--file=/dev/null"], connection: {}, timeoutMs }, context);
}
