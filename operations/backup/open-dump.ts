import { pipeline, Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { checksum, damaged } from "./checksum.ts";
import { assertOpens, decryption } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";

/** Bytes. In pieces of Node's own size, a sixty-fourth of it, reading takes a third longer. */
const decompressedAtOnce = 1024 * 1024;

/** No header of age is longer, whatever it is encrypted to. */
const longestHeaderBytes = 64 * 1024;

/**
 * The dump of a backup as pg_dump wrote it: decrypted with BACKUP_IDENTITY where it is encrypted, and decompressed. The stream fails, at
 * the latest at its end, unless every byte is the one that was dumped. Memory: a few chunks. All its errors are OperationErrors.
 */
export async function openDump(
  store: BackupStore,
  { dump, encryption }: Manifest,
  env: Context["env"],
): Promise<Readable> {
  const decrypt = encryption === null ? [] : [decryption(dump.key, env)];
  const plain = checksum(`${dump.key}, decompressed,`, dump.plain);
  // Whoever reads the last stream is told by it of a failure in any of them.
  pipeline(
    [await openStored(store, dump), ...decrypt, createZstdDecompress({ chunkSize: decompressedAtOnce }), plain],
    () => undefined,
  );
  const reading = worded(plain, (error) => (error instanceof OperationError ? error : damaged(dump.key, error)));
  return Readable.from(reading, { objectMode: false });
}

/** The dump as it is stored, failing at its end unless these are the bytes that were uploaded. */
export async function openStored(store: BackupStore, dump: Manifest["dump"]): Promise<Readable> {
  const body = await store.open(dump);
  // Said here, where it is known to be the storage's connection and not a pipe's that broke.
  const reading = worded(body, (error) => store.failure(`reading ${dump.key}`, error));
  const stored = checksum(dump.key, dump);
  pipeline(reading, stored, () => undefined);
  return stored;
}

/** What a stream gives, and what it fails with in other words. What a reader that ended first throws in stays as it is: pg_restore on a full disk. */
async function* worded(stream: Readable, word: (error: unknown) => unknown): AsyncGenerator<Buffer> {
  const chunks = stream.iterator() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw word(error);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
}

/** Refuses when a backup is encrypted and BACKUP_IDENTITY does not open it. To be asked before anything is touched. */
export async function assertReadable(
  store: BackupStore,
  { dump, encryption }: Manifest,
  env: Context["env"],
): Promise<void> {
  if (encryption === null) return;
  await assertOpens(dump.key, await store.beginning(dump, longestHeaderBytes), encryption, env);
}
