import { createReadStream } from "node:fs";
import type { Bucket } from "../store/bucket.ts";
import type { Segment } from "../store/version.ts";

/** The bytes of an object from `start` on, `length` of them, read from its segments in order. */
export async function* readBytes(
  bucket: Bucket,
  segments: readonly Segment[],
  start: number,
  length: number,
): AsyncGenerator<Buffer, void, undefined> {
  let skip = start;
  let rest = length;
  for (const { blob, size } of segments) {
    if (rest === 0) return;
    const take = Math.min(size - skip, rest);
    if (take <= 0) {
      skip -= size;
      continue;
    }
    yield* createReadStream(bucket.blobPath(blob), {
      start: skip,
      end: skip + take - 1,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>;
    rest -= take;
    skip = 0;
  }
}
