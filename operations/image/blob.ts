import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { OperationError } from "../error.ts";
import type { Descriptor } from "./manifest.ts";
import { bodyOf, type RegistryClient } from "./registry-client.ts";

const tries = 5;
const idleTimeoutMs = 60_000;

/**
 * Downloads a blob into a new file, checking size and digest as it streams. A broken or stalled connection is taken up where it
 * broke, by a range request; five attempts in all. Throws an OperationError; the file is then not to be used.
 */
export async function pullBlob(
  client: RegistryClient,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const where = `image ${client.registry}/${client.repository}, blob ${digest}`;
  const file = await open(path, "wx");
  try {
    let hash = createHash("sha256");
    let received = 0;
    for (let attempt = 1; received < size || attempt === 1; attempt += 1) {
      const idle = new AbortController();
      let timer = setTimeout(() => idle.abort(), idleTimeoutMs);
      try {
        const answer = await client.request(`blobs/${digest}`, {
          headers: received === 0 ? {} : { range: `bytes=${received}-` },
          signal: idle.signal,
        });
        if (received > 0 && answer.status !== 206) {
          hash = createHash("sha256");
          received = 0;
          await file.truncate(0);
        }
        for await (const chunk of bodyOf(answer)) {
          clearTimeout(timer);
          timer = setTimeout(() => idle.abort(), idleTimeoutMs);
          if (received + chunk.length > size)
            throw damaged(where, `is larger than the ${size} bytes its manifest says`);
          hash.update(chunk);
          await file.write(chunk, 0, chunk.length, received);
          received += chunk.length;
        }
      } catch (error) {
        if (error instanceof OperationError || signal?.aborted) throw error;
        if (attempt < tries) continue;
        throw new OperationError(
          "unreachable",
          {
            where,
            what: `broke off ${tries} times; ${received} of ${size} bytes came.`,
            next: "Check the connection to the registry and run it again.",
          },
          { cause: error },
        );
      } finally {
        clearTimeout(timer);
      }
      if (attempt === tries && received < size) throw damaged(where, `ends after ${received} of ${size} bytes`);
    }
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== digest) throw damaged(where, `has the digest ${actual}`);
  } finally {
    await file.close();
  }
}

function damaged(where: string, what: string): OperationError {
  return new OperationError("failed", {
    where,
    what: `${what}.`,
    next: "Nothing of it was used. Run it again; if it stays, push the image again.",
  });
}
