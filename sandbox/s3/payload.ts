import { createHash, randomUUID, type Hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { chunkedForms, decodeAwsChunked } from "./auth/aws-chunked.ts";
import type { Identity, Verified } from "./auth/signature.ts";
import { algorithms, checksumHeader, isDigest, startChecksum, type ChecksumAlgorithm } from "./checksum/algorithms.ts";
import type { RunningChecksum } from "./checksum/crc-tables.ts";
import { StorageError } from "./error.ts";
import type { Bucket } from "./store/bucket.ts";
import type { Segment } from "./store/version.ts";

/** What the bytes of a body turned out to be. */
export interface Received {
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64, of every algorithm that was asked for or claimed. */
  readonly digests: ReadonlyMap<ChecksumAlgorithm, string>;
  /** The checksum that the client sent, in a header or a trailer, and that held. */
  readonly claimed: ChecksumAlgorithm | undefined;
}

const maximumTextBytes = 2 * 1024 * 1024;
const maximumObjectBytes = 5 * 1024 ** 3;

/**
 * A request's body: decoded from aws-chunked and checked while it streams against everything that the request claims of it
 * (length, Content-MD5, `x-amz-content-sha256`, chunk signatures, `x-amz-checksum-*` in headers or trailers).
 */
export class Payload {
  readonly #headers: ReadonlyMap<string, string>;
  readonly #source: () => AsyncIterable<Buffer>;
  readonly #verified: Verified<Identity> | null;

  constructor(
    headers: ReadonlyMap<string, string>,
    source: () => AsyncIterable<Buffer>,
    verified: Verified<Identity> | null,
  ) {
    this.#headers = headers;
    this.#source = source;
    this.#verified = verified;
  }

  /** The checksum algorithm that the client names or uses; undefined when it gives none. */
  get algorithm(): ChecksumAlgorithm | undefined {
    const trailer = this.#headers.get("x-amz-trailer")?.toLowerCase();
    return algorithms.find(
      (algorithm) => this.#headers.has(checksumHeader(algorithm)) || trailer === checksumHeader(algorithm),
    );
  }

  /** True when the client sends a Content-MD5 or a checksum, which Object Lock insists on. */
  get isProtected(): boolean {
    return this.#headers.has("content-md5") || this.algorithm !== undefined;
  }

  /**
   * The whole body as text, at most 2 MiB. `claimsBody: false` where `x-amz-checksum-*` speaks of something else than the body,
   * as in CompleteMultipartUpload.
   */
  async text({ claimsBody = true } = {}): Promise<string> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.#checked([], claimsBody ? this.algorithm : undefined, () => undefined)) {
      size += piece.length;
      if (size > maximumTextBytes) throw new StorageError("EntityTooLarge");
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /**
   * Writes the body to a new blob of the bucket, synced to disk. When anything that was claimed does not hold, the blob is gone
   * and the error thrown: MissingContentLength, EntityTooLarge, IncompleteBody, BadDigest, InvalidDigest, XAmzContentSHA256Mismatch.
   */
  async receive(bucket: Bucket, wanted: ChecksumAlgorithm): Promise<Received & { segment: Segment }> {
    const length = this.#headers.get("x-amz-decoded-content-length") ?? this.#headers.get("content-length");
    if (length === undefined) throw new StorageError("MissingContentLength");
    if (Number(length) > maximumObjectBytes) {
      throw new StorageError("EntityTooLarge", undefined, {
        elements: { ProposedSize: length, MaxSizeAllowed: String(maximumObjectBytes) },
      });
    }
    return storeBlob(bucket, (report) => this.#checked([wanted], this.algorithm, report));
  }

  async *#checked(
    wanted: readonly ChecksumAlgorithm[],
    claimed: ChecksumAlgorithm | undefined,
    report: (received: Received) => void,
  ): AsyncGenerator<Buffer, void, undefined> {
    const headers = this.#headers;
    const expectedMd5 = readMd5(headers.get("content-md5"));
    const trailers = new Map<string, string>();
    const sums = new Sums(claimed === undefined ? wanted : [...wanted, claimed]);
    const payloadHash = this.#verified?.payloadHash ?? headers.get("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
    const sha256 = /^[0-9a-f]{64}$/.test(payloadHash) ? createHash("sha256") : null;
    for await (const piece of this.#decoded(payloadHash, trailers)) {
      sums.update(piece);
      sha256?.update(piece);
      yield piece;
    }
    const received = sums.end(claimed);
    const length = headers.get("x-amz-decoded-content-length") ?? headers.get("content-length");
    if (length !== undefined && Number(length) !== received.size) throw new StorageError("IncompleteBody");
    if (sha256 !== null) {
      const actual = sha256.digest("hex");
      if (actual !== payloadHash) {
        throw new StorageError("XAmzContentSHA256Mismatch", undefined, {
          elements: { ClientComputedContentSHA256: payloadHash, S3ComputedContentSHA256: actual },
        });
      }
    }
    if (expectedMd5 !== null && expectedMd5 !== received.md5) {
      throw new StorageError("BadDigest", "The Content-MD5 you specified did not match what we received.");
    }
    if (claimed !== undefined) checkClaim(claimed, headers, trailers, received);
    report(received);
  }

  #decoded(payloadHash: string, trailers: Map<string, string>): AsyncIterable<Buffer> {
    const form = chunkedForms.get(payloadHash);
    if (form === undefined) {
      if (payloadHash !== "UNSIGNED-PAYLOAD" && payloadHash !== "" && !/^[0-9a-f]{64}$/.test(payloadHash)) {
        throw new StorageError(
          "InvalidArgument",
          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        );
      }
      return this.#source();
    }
    if (!this.#headers.has("x-amz-decoded-content-length")) throw new StorageError("MissingContentLength");
    return decodeAwsChunked(this.#source(), trailers, form.signed ? this.#verified : null, form.trailer);
  }
}

/** Writes pieces to a new blob and syncs it. `pieces` has to report what it saw when it ends. */
export async function storeBlob(
  bucket: Bucket,
  pieces: (report: (received: Received) => void) => AsyncIterable<Buffer>,
): Promise<Received & { segment: Segment }> {
  const blob = randomUUID();
  const path = bucket.blobPath(blob);
  let received: Received | undefined;
  try {
    await pipeline(
      pieces((seen) => {
        received = seen;
      }),
      createWriteStream(path, { flags: "wx", flush: true, highWaterMark: 1024 * 1024 }),
    );
    await bucket.syncBlobs();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  if (received === undefined) throw new Error("A body ended without a report of what was received.");
  return { ...received, segment: { blob, size: received.size } };
}

/** Size, MD5 and checksums of bytes as they pass. */
export class Sums {
  readonly #md5: Hash = createHash("md5");
  readonly #running: Map<ChecksumAlgorithm, RunningChecksum>;
  #size = 0;

  constructor(wanted: readonly ChecksumAlgorithm[]) {
    this.#running = new Map(wanted.map((algorithm) => [algorithm, startChecksum(algorithm)]));
  }

  update(piece: Buffer): void {
    this.#size += piece.length;
    this.#md5.update(piece);
    for (const running of this.#running.values()) running.update(piece);
  }

  end(claimed: ChecksumAlgorithm | undefined): Received {
    const digests = [...this.#running].map(
      ([algorithm, running]) => [algorithm, running.digest().toString("base64")] as const,
    );
    return { size: this.#size, md5: this.#md5.digest("hex"), digests: new Map(digests), claimed };
  }
}

function readMd5(header: string | undefined): string | null {
  if (header === undefined) return null;
  const bytes = Buffer.from(header, "base64");
  if (bytes.length !== 16) throw new StorageError("InvalidDigest", "The Content-MD5 you specified was invalid.");
  return bytes.toString("hex");
}

function checkClaim(
  algorithm: ChecksumAlgorithm,
  headers: ReadonlyMap<string, string>,
  trailers: ReadonlyMap<string, string>,
  received: Received,
): void {
  const name = checksumHeader(algorithm);
  const claim = headers.get(name) ?? trailers.get(name);
  if (claim === undefined) throw new StorageError("MalformedTrailerError");
  if (!isDigest(algorithm, claim)) {
    throw new StorageError("InvalidRequest", `Value for ${name} header is invalid.`);
  }
  if (claim !== received.digests.get(algorithm)) {
    throw new StorageError("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
  }
}
