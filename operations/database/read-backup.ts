import { pipeline } from "node:stream/promises";
import { start } from "../process.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { endOf } from "./child-end.ts";
import { clientPrograms } from "./client-programs.ts";
import { checksum, isBrokenPipe } from "./checksum.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Reads a backup to its last byte: the dump's length and SHA-256, and whether pg_restore understands all of it. (`pg_restore --list`
 * is content with a truncated file, and the format has no checksum of its own.) Only a restore proves more.
 */
export async function readBackupThrough(
  store: BackupStore,
  manifest: Manifest,
  timeoutMs: number,
  { env, signal }: Pick<Context, "env" | "signal">,
): Promise<void> {
  const programs = await clientPrograms(env, Number(manifest.pgDump.split(".")[0]));
  const body = await store.open(manifest.dump);
  const child = start({
    file: programs.pgRestore,
    arguments: ["--file=/dev/null"],
    env: { PATH: env.PATH },
    timeoutMs,
    signal,
  });
  child.stdout.resume();
  const [piped, read] = await Promise.allSettled([
    pipeline(body, checksum(manifest), child.stdin).catch((error: unknown) => {
      if (isBrokenPipe(error)) return;
      child.kill("SIGKILL");
      throw error;
    }),
    endOf(child, "pg_restore"),
  ]);
  if (piped.status === "rejected") throw store.failure(`reading ${manifest.dump.key}`, piped.reason);
  if (read.status === "rejected") throw read.reason;
}
