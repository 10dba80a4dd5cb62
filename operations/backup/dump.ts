import { pipeline } from "node:stream/promises";
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
  readonly timeoutMs: number;
}

const mebibyte = 1024 * 1024;

/**
 * The size of one part: S3 takes at most 10,000, and an upload of unknown length only fails at the 10,001st. A dump is smaller than its
 * database, except for large incompressible values written as hex; twice the size covers that. Small parts keep the memory small.
 */
export function partSize(databaseBytes: number): number {
  return Math.max(8, Math.ceil((databaseBytes * 2) / 10_000 / mebibyte)) * mebibyte;
}

/**
 * Streams `pg_dump -Fc` to the object storage without a file between. A dump that fails, is killed or is cancelled leaves no object and
 * no open upload: the stream's end is held back until pg_dump's exit code is known to be 0. Encrypted on the way, if at all. Memory: two
 * parts.
 */
export async function dumpDatabase(
  request: DumpRequest,
  { env, signal }: Pick<Context, "env" | "signal">,
): Promise<Manifest["dump"]> {
  const { store, key, programs } = request;
  // zstd came with 16; gzip 1 is the fastest before it, and no larger than gzip 6 by more than a few percent.
  const compression = programs.major >= 16 ? "zstd:3" : "1";
  const child = start({
    file: programs.pgDump,
    arguments: [
      ...["--format=custom", `--compress=${compression}`, `--snapshot=${request.snapshotId}`],
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
  const stored = request.encryption === null ? plain : measuring();
  const upload = new Upload({
    client: store.storage,
    params: {
      Bucket: store.target.bucket,
      Key: key,
      Body: stored.stream,
      IfNoneMatch: "*",
      ContentType: "application/octet-stream",
      ChecksumAlgorithm: "CRC32",
    },
    partSize: partSize(request.databaseBytes),
    queueSize: 2,
  });
  const piped =
    request.encryption === null
      ? pipeline(child.stdout, plain.stream)
      : pipeline(child.stdout, plain.stream, encryption(request.encryption), stored.stream);
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
    plain: stored === plain ? null : plain.digest(),
    format: "custom",
    compression,
  };
}
