import { pipeline } from "node:stream/promises";
import { start } from "../process.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { isBrokenPipe } from "./checksum.ts";
import { endOf } from "../database/child-end.ts";
import { clientPrograms } from "../database/client-programs.ts";
import type { Manifest } from "./manifest.ts";
import { openDump } from "./open-dump.ts";

export interface PgRestore {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  /** pg_restore's own, which say where the dump goes. */
  readonly arguments: readonly string[];
  /** How it connects, where it does. */
  readonly connection: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

/** Streams a backup's dump into pg_restore. Resolves when both are done: every byte was the one dumped, and pg_restore took them all. */
export async function feedPgRestore(
  { store, manifest, connection, timeoutMs, ...run }: PgRestore,
  { env, signal }: Pick<Context, "env" | "signal">,
): Promise<void> {
  const programs = await clientPrograms(env, Number(manifest.pgDump.split(".")[0]));
  const dump = await openDump(store, manifest, env);
  const child = start({
    file: programs.pgRestore,
    arguments: run.arguments,
    env: { PATH: env.PATH, ...connection },
    timeoutMs,
    signal,
  });
  child.stdout.resume();
  const [piped, restored] = await Promise.allSettled([
    pipeline(dump, child.stdin).catch((error: unknown) => {
      if (isBrokenPipe(error)) return;
      child.kill("SIGKILL");
      throw error;
    }),
    endOf(child, "pg_restore"),
  ]);
  if (piped.status === "rejected") throw piped.reason;
  if (restored.status === "rejected") throw restored.reason;
}
