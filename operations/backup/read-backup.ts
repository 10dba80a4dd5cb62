import { finished } from "node:stream/promises";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { hasIdentity } from "./encryption.ts";
import { feedPgRestore } from "./feed-pg-restore.ts";
import type { Manifest } from "./manifest.ts";
import { assertReadable, openStored } from "./open-dump.ts";

/**
 * Reads a backup to its last byte: the dump's length and SHA-256, and whether pg_restore understands all of it. (`pg_restore --list`
 * is content with a truncated file, and the format has no checksum of its own.) Only a restore proves more. An encrypted backup is read
 * as it is stored where there is no BACKUP_IDENTITY: its bytes are compared, not understood.
 */
export async function readBackupThrough(
  store: BackupStore,
  manifest: Manifest,
  timeoutMs: number,
  context: Pick<Context, "env" | "signal">,
): Promise<"bytes" | "contents"> {
  if (manifest.encryption !== null && !hasIdentity(context.env)) {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
    await finished((await openStored(store, manifest.dump)).resume(), { signal });
    return "bytes";
  }
  await assertReadable(store, manifest, context.env);
  await feedPgRestore({ store, manifest, arguments: ["--file=/dev/null"], connection: {}, timeoutMs }, context);
  return "contents";
}
