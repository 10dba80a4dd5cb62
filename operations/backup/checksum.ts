import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { OperationError } from "../error.ts";

/** Length and SHA-256 (hex) of some bytes. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Passes bytes on; `digest` tells of them when the stream has ended. Its end is held back until `mayEnd` resolves. */
export function measuring(mayEnd: () => Promise<void> = () => Promise.resolve()): {
  stream: Transform;
  digest: () => Digest;
} {
  const hash = createHash("sha256");
  let bytes = 0;
  let sha256: string | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
    flush(done) {
      mayEnd().then(() => done(), done);
    },
  });
  return { stream, digest: () => ({ bytes, sha256: (sha256 ??= hash.digest("hex")) }) };
}

export function digestOf(bytes: Uint8Array): Digest {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Passes bytes on and fails at their end unless they are those that the manifest tells of. `name` is for the message. */
export function checksum(name: string, expected: Digest): Transform {
  const { stream, digest } = measuring(async () => {
    const { bytes, sha256 } = digest();
    if (bytes === expected.bytes && sha256 === expected.sha256) return;
    throw new OperationError("failed", {
      where: name,
      what: `is damaged: ${bytes} bytes with SHA-256 ${sha256.slice(0, 12)}…, and the manifest says ${expected.bytes} with ${expected.sha256.slice(0, 12)}….`,
      next: "Use another backup, and find out what changed this one.",
    });
  });
  return stream;
}

/** What cannot be decrypted or decompressed was changed after it was written. */
export function damaged(name: string, cause: unknown): OperationError {
  return new OperationError(
    "failed",
    {
      where: name,
      what: "is damaged: a piece of it is not what was written.",
      next: "Use another backup, and find out what changed this one.",
    },
    { cause },
  );
}

/** pg_restore ended first; its own exit code tells why. */
export function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET";
}
