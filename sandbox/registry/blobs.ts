import { createReadStream } from "node:fs";
import { RegistryError } from "./errors.ts";
import { send, type Exchange } from "./exchange.ts";

/** GET and HEAD of a blob, also a part of it by one byte range. */
export async function getBlob(exchange: Exchange, repository: string, digest: string): Promise<void> {
  const { store, request } = exchange;
  const size = await store.blobSize(repository, digest);
  if (size === undefined) throw new RegistryError("BLOB_UNKNOWN", "blob unknown to registry", { detail: { digest } });
  const headers = {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
  };
  const range = readRange(request.headers.range, size);
  if (range === undefined) {
    await send(exchange, 200, { ...headers, "content-length": size }, createReadStream(store.blobPath(digest)));
    return;
  }
  const { start, end } = range;
  await send(
    exchange,
    206,
    { ...headers, "content-length": end - start + 1, "content-range": `bytes ${start}-${end}/${size}` },
    createReadStream(store.blobPath(digest), { start, end }),
  );
}

/** Reads `bytes=a-b`, `bytes=a-` or `bytes=-n`; undefined for no range, or one that this registry ignores, as HTTP allows. */
export function readRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start <= end) return { start, end };
  throw new RegistryError("RANGE_INVALID", "invalid content range", {
    headers: { "content-range": `bytes */${size}` },
  });
}
