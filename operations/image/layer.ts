import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { orWhenMissing } from "./missing.ts";
import { inParallel } from "./pool.ts";

/**
 * One entry of a layer. Paths have no leading slash and no `.` or `..`. A file's content is kept as `<content>` in the layer's
 * folder, so that a path made by a stranger never reaches the file system here. `link` is a hard link to another path of the
 * image; `whiteout` removes a path of the layers below, `opaque` everything below a path.
 */
export const LayerEntry = z.discriminatedUnion("type", [
  z.object({ type: z.literal("directory"), path: z.string(), mode: z.int() }),
  z.object({ type: z.literal("file"), path: z.string(), mode: z.int(), size: z.int(), content: z.int() }),
  z.object({ type: z.literal("symlink"), path: z.string(), target: z.string() }),
  z.object({ type: z.literal("link"), path: z.string(), target: z.string() }),
  z.object({ type: z.literal("whiteout"), path: z.string() }),
  z.object({ type: z.literal("opaque"), path: z.string() }),
]);
export type LayerEntry = z.infer<typeof LayerEntry>;

/** A layer in the cache. A file whose modification time is later than `completedMs` was written to since. */
export interface Layer {
  readonly path: string;
  readonly entries: readonly LayerEntry[];
  readonly completedMs: number;
}

/** Reads a layer's list of entries; undefined when the cache does not have the layer. */
export async function readLayer(path: string): Promise<Layer | undefined> {
  const index = join(path, "index.json");
  const text = await orWhenMissing(readFile(index, "utf8"), undefined);
  if (text === undefined) return undefined;
  const entries = z.array(LayerEntry).parse(JSON.parse(text));
  return { path, entries, completedMs: (await stat(index)).mtimeMs };
}

/**
 * Unpacks a layer's blob into a folder: each file's content under a number, and `index.json`, written last. Checks the digest of
 * the uncompressed layer. Throws an OperationError for an entry that no honest image has.
 */
export async function unpackLayer(
  blob: string,
  layer: { mediaType: string; diffId: string },
  into: string,
  signal?: AbortSignal,
): Promise<void> {
  const where = `layer ${layer.diffId}`;
  const hash = createHash("sha256");
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const tar = extract();
  const reading = pipeline(createReadStream(blob), decompressor(where, layer.mediaType), measure, tar, { signal });
  const entries: LayerEntry[] = [];
  try {
    await Promise.all([reading, collect(tar, entries, where, into)]);
  } catch (error) {
    if (error instanceof OperationError || signal?.aborted || isSystemError(error)) throw error;
    throw refused(where, `cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual !== layer.diffId) throw refused(where, `has the digest ${actual} when uncompressed`);
  await writeFile(join(into, "index.json"), JSON.stringify(entries));
}

/** Small files are written in parallel, from memory; larger ones as they stream. */
const smallBytes = 256 * 1024;

async function collect(
  tar: ReturnType<typeof extract>,
  entries: LayerEntry[],
  where: string,
  into: string,
): Promise<void> {
  const waiting: { path: string; mode: number; bytes: Buffer }[] = [];
  const flush = () =>
    inParallel(waiting.splice(0), 8, ({ path, mode, bytes }) => writeFile(path, bytes, { mode, flag: "wx" }));
  for await (const item of tar) {
    const entry = readEntry(where, item.header, entries.length);
    if (entry !== undefined) entries.push(entry);
    if (entry?.type !== "file") {
      item.resume();
      continue;
    }
    const path = join(into, String(entry.content));
    const mode = contentMode(entry.mode);
    if (entry.size > smallBytes) {
      await pipeline(item, createWriteStream(path, { mode, flags: "wx" }));
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of item as AsyncIterable<Buffer>) chunks.push(chunk);
    waiting.push({ path, mode, bytes: Buffer.concat(chunks) });
    if (waiting.length === 64) await flush();
  }
  await flush();
}

/** Nobody may write: the content is shared by every image with this layer. In a container, too, the files belong to root. */
function contentMode(mode: number): number {
  return (mode & 0o555) | 0o444;
}

/** Reads one tar header; undefined for what is only about the archive itself. Source: OCI image specification 1.1, layer.md. */
export function readEntry(where: string, header: Header, content: number): LayerEntry | undefined {
  const path = cleanPath(where, header.name);
  const mode = header.mode & 0o777;
  const cut = path.lastIndexOf("/") + 1;
  const [parent, name] = [path.slice(0, cut), path.slice(cut)];
  if (name === ".wh..wh..opq") return { type: "opaque", path: parent.slice(0, -1) };
  if (name.startsWith(".wh..wh.")) return undefined;
  if (/^\.wh\.\.{0,2}$/.test(name)) throw refused(where, `has the whiteout ${header.name}, which names nothing`);
  if (name.startsWith(".wh.")) return { type: "whiteout", path: parent + name.slice(4) };
  if (path === "" && header.type !== "directory") throw refused(where, `has a ${header.type} without a name`);
  switch (header.type) {
    case "directory":
      return path === "" ? undefined : { type: "directory", path, mode };
    case "file":
    case "contiguous-file":
      return { type: "file", path, mode, size: header.size, content };
    case "symlink":
      return { type: "symlink", path, target: header.linkname };
    case "link":
      return { type: "link", path, target: cleanPath(where, header.linkname) };
    case "block-device":
    case "character-device":
    case "fifo":
      throw refused(where, `has the entry ${header.name} of type ${header.type}`);
  }
}

function cleanPath(where: string, name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0")) {
    throw refused(where, `has the entry ${JSON.stringify(name)}, which points outside the image`);
  }
  return parts.join("/");
}

function decompressor(where: string, mediaType: string): NodeJS.ReadWriteStream {
  if (/[+.]gzip$/.test(mediaType)) return createGunzip();
  if (mediaType.endsWith("+zstd")) return createZstdDecompress();
  if (mediaType.endsWith(".tar")) return new PassThrough();
  throw refused(where, `has the media type ${mediaType}`);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function refused(where: string, what: string): OperationError {
  return new OperationError("refused", {
    where,
    what: `${what}.`,
    next: "Nothing of it was used. Build the image again.",
  });
}
