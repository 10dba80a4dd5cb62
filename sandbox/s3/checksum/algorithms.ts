import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { StorageError } from "../error.ts";
import { combineCrc } from "./combine.ts";
import { crc32c, crc64Nvme, type RunningChecksum } from "./crc-tables.ts";

export const algorithms = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof algorithms)[number];
/** COMPOSITE is a checksum of the parts' checksums; FULL_OBJECT covers the bytes in order. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

/** What is stored and returned: `value` is base64, with `-<parts>` behind it for COMPOSITE. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

const digestBytes: Record<ChecksumAlgorithm, number> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };

/** `x-amz-checksum-crc32`, the header that carries the value. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** `ChecksumCRC32`, the element that carries the value. */
export function checksumElement(algorithm: ChecksumAlgorithm): `Checksum${ChecksumAlgorithm}` {
  return `Checksum${algorithm}`;
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return algorithms.some((algorithm) => algorithm === name);
}

/** Reads the algorithm's name from a header. Throws InvalidRequest for any other. */
export function readAlgorithm(name: string): ChecksumAlgorithm {
  const upper = name.toUpperCase();
  if (isChecksumAlgorithm(upper)) return upper;
  throw new StorageError(
    "InvalidRequest",
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  );
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case "CRC32":
      return zlibCrc32();
    case "CRC32C":
      return crc32c();
    case "CRC64NVME":
      return crc64Nvme();
    case "SHA1":
    case "SHA256": {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() };
    }
  }
}

function zlibCrc32(): RunningChecksum {
  let crc = 0;
  return {
    update(chunk) {
      crc = crc32(chunk, crc);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc);
      return bytes;
    },
  };
}

/** True when the text is the base64 of a digest of that algorithm. */
export function isDigest(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === digestBytes[algorithm] && bytes.toString("base64") === text;
}

/** Which type an upload may have: SHA digests cannot be combined, CRC64NVME is never composite (S3 User Guide, "Checking object integrity"). */
export function checksumTypeFor(algorithm: ChecksumAlgorithm, wanted: string | undefined): ChecksumType {
  if (wanted !== undefined && wanted !== "COMPOSITE" && wanted !== "FULL_OBJECT") {
    throw new StorageError("InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
  }
  const type = wanted ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  const impossible =
    type === "FULL_OBJECT" ? algorithm === "SHA1" || algorithm === "SHA256" : algorithm === "CRC64NVME";
  if (impossible) {
    throw new StorageError(
      "InvalidRequest",
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return type;
}

/** The checksum of a completed multipart upload, from its parts in order. Each part's `value` is base64. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { value: string; size: number }[],
): Checksum {
  const digests = parts.map(({ value, size }) => ({ bytes: Buffer.from(value, "base64"), size }));
  if (type === "COMPOSITE") {
    const running = startChecksum(algorithm);
    for (const { bytes } of digests) running.update(bytes);
    return { algorithm, type, value: `${running.digest().toString("base64")}-${parts.length}` };
  }
  if (algorithm === "SHA1" || algorithm === "SHA256") throw new Error(`${algorithm} digests cannot be combined.`);
  const [first, ...rest] = digests;
  if (first === undefined) throw new Error("An upload without parts has no checksum.");
  let combined: Buffer = first.bytes;
  for (const { bytes, size } of rest) combined = combineCrc(algorithm, combined, bytes, size);
  return { algorithm, type, value: combined.toString("base64") };
}
