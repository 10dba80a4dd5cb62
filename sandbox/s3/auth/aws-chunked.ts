import { createHash } from "node:crypto";
import { StorageError } from "../error.ts";
import { emptySha256, sha256, sign } from "./canonical.ts";
import { equal, type Identity, type Verified } from "./signature.ts";

/** A chunk may announce at most this much; each is held in memory only until its bytes are passed on. */
const maximumLineBytes = 8192;

export interface ChunkedForm {
  readonly signed: boolean;
  readonly trailer: boolean;
}

/** The forms of an aws-chunked body, by the word in `x-amz-content-sha256` (S3 API Reference, "Signature calculations: transferring payload in multiple chunks"). */
export const chunkedForms: ReadonlyMap<string, ChunkedForm> = new Map([
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { signed: false, trailer: true }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { signed: true, trailer: false }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { signed: true, trailer: true }],
]);

/** What the signatures of chunks are chained to. */
export type ChunkSeed = Pick<Verified<Identity>, "key" | "timestamp" | "scope" | "signature">;

/**
 * Decodes an aws-chunked body as it streams: yields the payload and, after the last chunk, puts the trailer's headers into
 * `trailers`. With a seed, every chunk's and the trailer's signature is verified.
 * Throws IncompleteBody for a body that ends early or is framed wrongly, SignatureDoesNotMatch for a forged chunk.
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
  seed: ChunkSeed | null,
  hasTrailer: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(source);
  let previous = seed?.signature ?? "";
  for (;;) {
    const header = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(await reader.line());
    if (header === null) throw new StorageError("IncompleteBody", "The request body is not aws-chunked encoded");
    const size = Number.parseInt(header[1] ?? "", 16);
    const hash = seed === null ? null : createHash("sha256");
    for await (const piece of reader.take(size)) {
      hash?.update(piece);
      yield piece;
    }
    if (seed !== null && hash !== null) {
      const rest = [previous, emptySha256, hash.digest("hex")];
      previous = verified(sign(seed.key, "AWS4-HMAC-SHA256-PAYLOAD", seed.timestamp, seed.scope, rest), header[2]);
    }
    if (size === 0) break;
    if ((await reader.line()) !== "") throw new StorageError("IncompleteBody");
  }
  if (hasTrailer) await readTrailers(reader, trailers, seed, previous);
  else if ((await reader.line()) !== "") throw new StorageError("IncompleteBody");
}

async function readTrailers(
  reader: ByteReader,
  trailers: Map<string, string>,
  seed: ChunkSeed | null,
  previous: string,
): Promise<void> {
  let signature: string | undefined;
  for (let line = await reader.line(); line !== ""; line = await reader.line()) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new StorageError("IncompleteBody");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") signature = value;
    else trailers.set(name, value);
  }
  if (seed === null) return;
  const canonical = [...trailers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
    .join("");
  verified(
    sign(seed.key, "AWS4-HMAC-SHA256-TRAILER", seed.timestamp, seed.scope, [previous, sha256(canonical)]),
    signature,
  );
}

function verified(expected: string, given: string | undefined): string {
  if (given === undefined || !equal(expected, given)) throw new StorageError("SignatureDoesNotMatch");
  return expected;
}

/** Reads lines and runs of bytes from a stream of buffers, without copying the runs. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** A line without its CRLF. A missing last CRLF is accepted at the end of the body, as S3 does. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#held.toString("latin1", 0, end);
        this.#held = this.#held.subarray(end + 2);
        return line;
      }
      if (this.#held.length > maximumLineBytes) throw new StorageError("IncompleteBody");
      const next = await this.#source.next();
      if (next.done === true) {
        if (this.#held.length === 0) return "";
        throw new StorageError("IncompleteBody");
      }
      this.#held = Buffer.concat([this.#held, next.value]);
    }
  }

  async *take(size: number): AsyncGenerator<Buffer, void, undefined> {
    let rest = size;
    while (rest > 0) {
      if (this.#held.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) throw new StorageError("IncompleteBody");
        this.#held = next.value;
      }
      const piece = this.#held.subarray(0, rest);
      this.#held = this.#held.subarray(piece.length);
      rest -= piece.length;
      yield piece;
    }
  }
}
