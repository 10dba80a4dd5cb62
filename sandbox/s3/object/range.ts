import { StorageError } from "../error.ts";

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Reads a Range header. Null for the whole object: no header, several ranges or another unit, which S3 ignores.
 * Throws InvalidRange when it begins behind the end.
 */
export function readRange(header: string | undefined, size: number): ByteRange | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || header === "bytes=-") return null;
  const [, first = "", last = ""] = match;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable(header, size);
    return { start: size - length, length };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= size) throw unsatisfiable(header, size);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return { start, length: end - start + 1 };
}

function unsatisfiable(header: string | undefined, size: number): StorageError {
  return new StorageError("InvalidRange", undefined, {
    elements: { RangeRequested: header ?? "", ActualObjectSize: String(size) },
    headers: { "content-range": `bytes */${size}` },
  });
}
