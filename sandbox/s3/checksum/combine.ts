import { crcShapes } from "./crc-tables.ts";

type Matrix = readonly bigint[];

function times(matrix: Matrix, vector: bigint): bigint {
  let sum = 0n;
  for (let index = 0, rest = vector; rest !== 0n; index++, rest >>= 1n) {
    if (rest & 1n) sum ^= matrix[index] ?? 0n;
  }
  return sum;
}

function squared(matrix: Matrix): Matrix {
  return matrix.map((column) => times(matrix, column));
}

/**
 * The CRC of two pieces put together, from the CRC of each and the length of the second, without reading them again:
 * appending n zero bytes is a linear map, so its matrix is raised to the n-th power (zlib's crc32_combine).
 */
export function combineCrc(
  algorithm: keyof typeof crcShapes,
  first: Uint8Array,
  second: Uint8Array,
  secondBytes: number,
): Buffer {
  const { width, polynomial } = crcShapes[algorithm];
  const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let crc = toNumber(first);
  // One zero bit: the low bit selects the polynomial, the others move down by one.
  let power: Matrix = Array.from({ length: width }, (_, bit) => (bit === 0 ? polynomial : 1n << BigInt(bit - 1)));
  for (let doubling = 0; doubling < 3; doubling++) power = squared(power);
  for (let rest = BigInt(secondBytes); rest !== 0n; rest >>= 1n) {
    if (rest & 1n) crc = times(power, crc);
    power = squared(power);
  }
  const combined = crc ^ toNumber(second);
  return Buffer.from(combined.toString(16).padStart(width / 4, "0"), "hex");
}
