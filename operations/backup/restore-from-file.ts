import { createWriteStream } from "node:fs";
import { mkdir, rm, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { OperationError } from "../error.ts";
import { start } from "../process.ts";
import type { Context } from "../verb.ts";
import { endOf } from "../database/child-end.ts";
import { clientPrograms } from "../database/client-programs.ts";
import type { PgRestore } from "./feed-pg-restore.ts";
import { openDump } from "./open-dump.ts";

export interface FileRestore extends PgRestore {
  /** Made when it is missing. The dump is there only while it is restored. */
  readonly folder: string;
}

/**
 * Restores with several jobs, which pg_restore can only do from a file: the dump is downloaded and checked to its last byte first, readable
 * by this user alone, and removed afterwards. What a killed run left is overwritten by the next restore of the same backup.
 */
export async function restoreFromFile(restore: FileRestore, context: Context): Promise<void> {
  const { store, manifest, folder, connection, timeoutMs } = restore;
  const { env, signal, progress } = context;
  const programs = await clientPrograms(env, Number(manifest.pgDump.split(".")[0]));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await assertSpace(folder, manifest.dump.plain.bytes);
  const file = join(folder, `${manifest.id}.dump`);
  try {
    await rm(file, { force: true });
    await progress.step(`download ${manifest.dump.bytes} bytes`, async () => {
      const dump = await openDump(store, manifest, env);
      await pipeline(dump, createWriteStream(file, { mode: 0o600 }), { signal }).catch((error: unknown) => {
        throw store.failure(`reading ${manifest.dump.key}`, error);
      });
    });
    const jobs = availableParallelism();
    await progress.step(`pg_restore with ${jobs} jobs`, async () => {
      const child = start({
        file: programs.pgRestore,
        arguments: [...restore.arguments, `--jobs=${jobs}`, file],
        env: { PATH: env.PATH, ...connection },
        timeoutMs,
        signal,
      });
      child.stdin.end();
      child.stdout.resume();
      await endOf(child, "pg_restore");
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** Refuses before the download when the folder's file system has no room for it. */
export async function assertSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > bytes) return;
  throw new OperationError("refused", {
    where: folder,
    what: `has ${bavail * bsize} bytes free, and the dump has ${bytes}.`,
    next: "Name a folder with more room, or leave --local away: the dump is streamed then.",
  });
}
