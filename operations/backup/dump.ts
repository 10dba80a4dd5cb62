import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { Upload } from "@aws-sdk/lib-storage";
import { start } from "../process.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import type { BackupStore } from "./backup-store.ts";
import { endOf } from "../database/child-end.ts";
import type { ClientPrograms } from "../database/client-programs.ts";
import { libpqEnvironment } from "../database/connection.ts";
import { measuring } from "./checksum.ts";
import { encryption, type Encryption } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";
import { locked } from "./object-lock.ts";

export interface DumpRequest {
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly programs: ClientPrograms;
  /** Of an open snapshot. */
  readonly snapshotId: string;
  /** pg_database_size: sets the size of the upload's parts. */
  readonly databaseBytes: number;
  readonly store: BackupStore;
  readonly key: string;
  readonly encryption: Encryption | null;
  /** Null: as long as the bucket locks by itself. */
  readonly lockUntil: Date | null;
  readonly timeoutMs: number;
}

const mebibyte = 1024 * 1024;

/**
 * pg_dump compresses in its only thread, with gzip before version 16; that is what its time goes into. Here it is another thread's work:
 * zstd 1 took 0.7 CPU seconds for a dump of 269 MB and made 60 MB of it, gzip 1 took 2.8 and made 86. Readable with `zstd --decompress`.
 */
const zstd = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/**
 * The size of one part: S3 takes at most 10,000, and an upload of unknown length only fails at the 10,001st. A dump is smaller than its
 * database, except for large incompressible values written as hex; twice the size covers that. Small parts keep the memory small.
 */
export function partSize(databaseBytes: number): number {
  return Math.max(8, Math.ceil((databaseBytes * 2) / 10_000 / mebibyte)) * mebibyte;
}

/**
 * Streams `pg_dump -Fc`, compressed, to the object storage without a file between. A dump that fails, is killed or is cancelled leaves no object and
 * no open upload: the stream's end is held back until pg_dump's exit code is known to be 0. Encrypted on the way, if at all. Memory: two
 * parts.
 */
export async function dumpDatabase(
  request: DumpRequest,
  { env, signal }: Pick<Context, "env" | "signal">,
): Promise<Manifest["dump"]> {
  const { store, key, programs } = request;
  const child = start({
    file: programs.pgDump,
    arguments: [
      ...["--format=custom", "--compress=0", `--snapshot=${request.snapshotId}`],
      // Without it a lock held by somebody else is waited for without end.
      ...["--lock-wait-timeout=30s", "--no-password"],
    ],
    env: { PATH: env.PATH, ...(await libpqEnvironment(request.access, request.applicationName)) },
    timeoutMs: request.timeoutMs,
    signal,
  });
  const ended = endOf(child, "pg_dump");
  // A killed pg_dump closes its output like a finished one: only its exit code tells them apart.
  const plain = measuring(() => ended);
  const stored = measuring();
  const upload = new Upload({
    client: store.storage,
    params: {
      Bucket: store.target.bucket,
      Key: key,
      Body: stored.stream,
      IfNoneMatch: "*",
      ContentType: "application/octet-stream",
      ChecksumAlgorithm: "CRC32",
      ...locked(request.lockUntil),
    },
    partSize: partSize(request.databaseBytes),
    queueSize: 2,
  });
  const piped = pipeline([
    ...[child.stdout, plain.stream, createZstdCompress({ chunkSize: mebibyte, params: zstd })],
    ...(request.encryption === null ? [] : [encryption(request.encryption)]),
    stored.stream,
  ]);
  const [uploaded, , dumped] = await Promise.allSettled([
    upload.done().catch((error: unknown) => {
      // Ends a pg_dump that nobody reads any more.
      child.kill("SIGKILL");
      throw error;
    }),
    piped,
    ended,
  ]);
  if (uploaded.status === "rejected") throw store.failure(`uploading ${key}`, uploaded.reason);
  if (dumped.status === "rejected") throw dumped.reason;
  const { VersionId } = uploaded.value;
  return {
    key,
    versionId: VersionId ?? null,
    ...stored.digest(),
    plain: plain.digest(),
    format: "custom",
    compression: "zstd",
  };
}
