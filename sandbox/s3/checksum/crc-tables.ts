/** A checksum that is fed piece by piece. `digest` gives the big-endian bytes that S3 encodes in base64. */
export interface RunningChecksum {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

const crc32cPolynomial = 0x82f63b78;
const crc64NvmePolynomial = 0x9a6c9329ac4bc9b5n;

// Signed, because V8 keeps signed 32-bit integers out of the heap: the sums below run on every byte of a body.
const crc32cTable = new Int32Array(256);
const crc64High = new Int32Array(256);
const crc64Low = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let word = byte;
  let long = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) {
    word = word & 1 ? (word >>> 1) ^ crc32cPolynomial : word >>> 1;
    long = long & 1n ? (long >> 1n) ^ crc64NvmePolynomial : long >> 1n;
  }
  crc32cTable[byte] = word;
  crc64High[byte] = Number(long >> 32n);
  crc64Low[byte] = Number(long & 0xffffffffn);
}

/** CRC-32C (Castagnoli), reflected, as RFC 3720 uses it. */
export function crc32c(): RunningChecksum {
  let crc = -1;
  return {
    update(chunk) {
      let sum = crc;
      for (let at = 0; at < chunk.length; at++) sum = (sum >>> 8) ^ (crc32cTable[(sum ^ (chunk[at] ?? 0)) & 0xff] ?? 0);
      crc = sum;
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
      return bytes;
    },
  };
}

/** CRC-64/NVME (NVM Express NVM Command Set 1.0d, 5.2.1.3.4), reflected. Two 32-bit halves, because BigInt is too slow for bulk data. */
export function crc64Nvme(): RunningChecksum {
  let high = -1;
  let low = -1;
  return {
    update(chunk) {
      let [upper, lower] = [high, low];
      for (let at = 0; at < chunk.length; at++) {
        const index = (lower ^ (chunk[at] ?? 0)) & 0xff;
        lower = ((lower >>> 8) | (upper << 24)) ^ (crc64Low[index] ?? 0);
        upper = (upper >>> 8) ^ (crc64High[index] ?? 0);
      }
      [high, low] = [upper, lower];
    },
    digest() {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE((high ^ 0xffffffff) >>> 0, 0);
      bytes.writeUInt32BE((low ^ 0xffffffff) >>> 0, 4);
      return bytes;
    },
  };
}

/** Width in bits and reflected polynomial of the checksums that can be combined. */
export const crcShapes = {
  CRC32: { width: 32, polynomial: 0xedb88320n },
  CRC32C: { width: 32, polynomial: BigInt(crc32cPolynomial) },
  CRC64NVME: { width: 64, polynomial: crc64NvmePolynomial },
} as const;
