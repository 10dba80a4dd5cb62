import assert from "node:assert/strict";
import fc from "fast-check";
import {
  algorithms,
  checksumOfParts,
  checksumTypeFor,
  startChecksum,
  type ChecksumAlgorithm,
} from "../../../sandbox/s3/checksum/algorithms.ts";

/** Of the text `123456789`: the published check values. */
const known: Record<ChecksumAlgorithm, string> = {
  CRC32: "cbf43926",
  CRC32C: "e3069283",
  CRC64NVME: "ae8b14860a799888",
  SHA1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
};

function digest(algorithm: ChecksumAlgorithm, ...pieces: Uint8Array[]): Buffer {
  const running = startChecksum(algorithm);
  for (const piece of pieces) running.update(piece);
  return running.digest();
}

describe("checksums", () => {
  for (const algorithm of algorithms) {
    it(`${algorithm} gives the published check value, also piece by piece`, () => {
      const text = Buffer.from("123456789");
      assert.equal(digest(algorithm, text).toString("hex"), known[algorithm]);
      assert.equal(digest(algorithm, text.subarray(0, 4), text.subarray(4)).toString("hex"), known[algorithm]);
    });
  }

  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
    it(`${algorithm} of a whole follows from its parts' alone`, () => {
      const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 });
      fc.assert(
        fc.property(parts, (pieces) => {
          const stored = pieces.map((piece) => ({
            value: digest(algorithm, piece).toString("base64"),
            size: piece.length,
          }));
          const whole = digest(algorithm, ...pieces).toString("base64");
          assert.equal(checksumOfParts(algorithm, "FULL_OBJECT", stored).value, whole);
        }),
      );
    });
  }

  it("have the types that S3 documents, and no others", () => {
    assert.equal(checksumTypeFor("CRC64NVME", undefined), "FULL_OBJECT");
    assert.equal(checksumTypeFor("SHA256", undefined), "COMPOSITE");
    assert.equal(checksumTypeFor("CRC32", "FULL_OBJECT"), "FULL_OBJECT");
    assert.throws(() => checksumTypeFor("SHA256", "FULL_OBJECT"), { code: "InvalidRequest" });
    assert.throws(() => checksumTypeFor("CRC64NVME", "COMPOSITE"), { code: "InvalidRequest" });
  });
});
