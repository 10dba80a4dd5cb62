import assert from "node:assert/strict";
import { decodeAwsChunked, type ChunkSeed } from "../../../sandbox/s3/auth/aws-chunked.ts";
import { signingKey } from "../../../sandbox/s3/auth/canonical.ts";

// The examples of the S3 API Reference, "Signature calculations: transferring payload in multiple chunks", with and without trailer.
const scope = { date: "20130524", region: "us-east-1", service: "s3" };
const seed = (signature: string): ChunkSeed => ({
  key: signingKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope),
  timestamp: "20130524T000000Z",
  scope,
  signature,
});
const payload = Buffer.alloc(66_560, "a");

function chunk(bytes: Buffer, signature?: string): Buffer {
  const head = bytes.length.toString(16) + (signature === undefined ? "" : `;chunk-signature=${signature}`);
  return Buffer.concat([Buffer.from(`${head}\r\n`), bytes, Buffer.from(bytes.length === 0 ? "" : "\r\n")]);
}

const signed = Buffer.concat([
  chunk(payload.subarray(0, 65_536), "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
  chunk(payload.subarray(65_536), "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
  chunk(Buffer.alloc(0), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
  Buffer.from("\r\n"),
]);
const signedSeed = seed("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");

/** Cuts a body into pieces as a network might. */
async function* network(body: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let start = 0; start < body.length; start += size) yield body.subarray(start, start + size);
}

async function decode(body: Buffer, chunkSeed: ChunkSeed | null, hasTrailer: boolean, size = 1000) {
  const trailers = new Map<string, string>();
  const pieces: Buffer[] = [];
  for await (const piece of decodeAwsChunked(network(body, size), trailers, chunkSeed, hasTrailer)) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), trailers };
}

describe("an aws-chunked body", () => {
  it("is decoded and its chunk signatures verified, as in AWS's own example", async () => {
    for (const size of [1, 1000, signed.length]) {
      const { bytes } = await decode(signed, signedSeed, false, size);
      assert.ok(bytes.equals(payload));
    }
  });

  it("is refused when a byte of it was changed", async () => {
    const forged = Buffer.from(signed);
    forged[1000] = "b".charCodeAt(0);
    await assert.rejects(decode(forged, signedSeed, false), { code: "SignatureDoesNotMatch" });
  });

  it("is refused when a chunk was left out", async () => {
    const second = signed.indexOf("400;chunk-signature=");
    await assert.rejects(decode(signed.subarray(second), signedSeed, false), { code: "SignatureDoesNotMatch" });
  });

  it("carries trailers behind the last chunk, signed as in AWS's own example", async () => {
    const body = (checksum: string) =>
      Buffer.concat([
        chunk(payload.subarray(0, 65_536), "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        chunk(payload.subarray(65_536), "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        chunk(Buffer.alloc(0), "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
        Buffer.from(`x-amz-checksum-crc32c:${checksum}\r\n`),
        Buffer.from("x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"),
      ]);
    const trailerSeed = seed("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
    const { bytes, trailers } = await decode(body("sOO8/Q=="), trailerSeed, true);
    assert.ok(bytes.equals(payload));
    assert.deepEqual([...trailers], [["x-amz-checksum-crc32c", "sOO8/Q=="]]);
    await assert.rejects(decode(body("AAAAAA=="), trailerSeed, true), { code: "SignatureDoesNotMatch" });
  });

  it("carries unsigned trailers", async () => {
    const body = Buffer.from("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    const { bytes, trailers } = await decode(body, null, true, 3);
    assert.deepEqual([bytes.toString(), [...trailers]], ["hello", [["x-amz-checksum-crc32", "NhCmhg=="]]]);
  });

  for (const [what, text] of [
    ["ends inside of a chunk", "5\r\nhel"],
    ["ends before the last chunk", "5\r\nhello\r\n"],
    ["has a size that is no number", "x\r\nhello\r\n0\r\n\r\n"],
    ["has a chunk longer than it says", "4\r\nhello\r\n0\r\n\r\n"],
    ["is not chunked at all", "hello"],
  ] as const) {
    it(`is refused when it ${what}`, async () => {
      await assert.rejects(decode(Buffer.from(text), null, false), { code: "IncompleteBody" });
    });
  }
});
