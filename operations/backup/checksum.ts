import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { OperationError } from "../error.ts";
import type { Manifest } from "./manifest.ts";

/** Passes bytes on and fails at their end unless they are those that were dumped. */
export function checksum({ dump }: Manifest): Transform {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
    flush(done) {
      const sha256 = hash.digest("hex");
      if (bytes === dump.bytes && sha256 === dump.sha256) return done();
      done(
        new OperationError("failed", {
          where: dump.key,
          what: `is damaged: ${bytes} bytes with SHA-256 ${sha256.slice(0, 12)}…, and the manifest says ${dump.bytes} with ${dump.sha256.slice(0, 12)}….`,
          next: "Use another backup, and find out what changed this one.",
        }),
      );
    },
  });
}

/** pg_restore ended first; its own exit code tells why. */
export function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET";
}
