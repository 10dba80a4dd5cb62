import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../error.ts";
import type { ImageAccess } from "./access.ts";
import { pullBlob } from "./blob.ts";
import { openCache, type Cache } from "./cache.ts";
import { openImage, type InspectedImage, type OpenImage } from "./inspect.ts";
import { readLayer, unpackLayer, type Layer } from "./layer.ts";
import { ImageConfig, type Descriptor } from "./manifest.ts";
import { codeOf, orWhenMissing } from "./missing.ts";
import { inParallel } from "./pool.ts";
import { parseReference, pinned } from "./reference.ts";
import { DamagedLayer, writeRootfs } from "./rootfs.ts";
import { mergeLayers } from "./tree.ts";

export interface UnpackedImage extends InspectedImage {
  /** The image's root folder. Shared by everybody who uses this digest: its files are read-only and must not be changed. */
  readonly rootfs: string;
}

/** What the cache keeps about an image beside its tree. */
const Kept = z.object({ manifestDigest: z.string(), config: ImageConfig });

/**
 * Brings an image's files onto this machine: pulled, verified by size and digest at every step, unpacked once. An image named by
 * digest that the cache has needs no network. Two processes may do this at once, and each may be killed at any time.
 * Throws an OperationError: refused (a hostile or foreign image, credentials), unreachable, failed (damaged, no space).
 */
export async function unpackImage(text: string, access: ImageAccess): Promise<UnpackedImage> {
  const reference = parseReference(text);
  try {
    const cache = await openCache(access.cacheDir);
    if (reference.digest !== undefined) {
      const kept = await readKept(cache, reference.digest);
      if (kept !== undefined) return toUnpacked(cache, pinned(reference, reference.digest), reference.digest, kept);
    }
    const open = await openImage(text, access);
    const { reference: name, digest, manifestDigest, config } = open.image;
    if ((await readKept(cache, digest)) === undefined) await makeImage(cache, open, access.signal);
    return toUnpacked(cache, name, digest, { manifestDigest, config });
  } catch (error) {
    throw aboutCache(access.cacheDir, error);
  }
}

async function readKept(cache: Cache, digest: string): Promise<z.infer<typeof Kept> | undefined> {
  const text = await orWhenMissing(readFile(join(cache.image(digest), "image.json"), "utf8"), undefined);
  return text === undefined ? undefined : Kept.parse(JSON.parse(text));
}

function toUnpacked(cache: Cache, reference: string, digest: string, kept: z.infer<typeof Kept>): UnpackedImage {
  const { manifestDigest, config } = kept;
  const rootfs = join(cache.image(digest), "rootfs");
  return { reference, digest, manifestDigest, config, labels: config.Labels ?? {}, rootfs };
}

const damagedTries = 3;

async function makeImage(cache: Cache, open: OpenImage, signal: AbortSignal | undefined): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const layers = await pullLayers(cache, open, signal);
    const temporary = await cache.temporary();
    try {
      const rootfs = join(temporary, "rootfs");
      await mkdir(rootfs);
      await writeRootfs(mergeLayers(layers.map(({ entries }) => entries)), layers, rootfs);
      const { manifestDigest, config } = open.image;
      const kept: z.infer<typeof Kept> = { manifestDigest, config };
      await writeFile(join(temporary, "image.json"), JSON.stringify(kept));
      // Node asks the folders above a module which kind it is. In a container the question ends at the root folder.
      await writeFile(join(temporary, "package.json"), "{}");
      await cache.publish(temporary, cache.image(open.image.digest));
      return;
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (!(error instanceof DamagedLayer) || attempt === damagedTries) throw error;
      await cache.discard(error.layer.path);
    }
  }
}

async function pullLayers(cache: Cache, open: OpenImage, signal: AbortSignal | undefined): Promise<Layer[]> {
  const { layers } = open.manifest;
  const diffIds = open.document.rootfs.diff_ids;
  const found: Layer[] = [];
  // Two at a time: one downloads while the other is unpacked.
  await inParallel(layers.entries(), 2, async ([index, descriptor]) => {
    const diffId = diffIds[index];
    if (diffId === undefined) throw new Error(`layer ${index} has no diff id`);
    found[index] = await pullLayer(cache, open, { descriptor, diffId }, signal);
  });
  return found;
}

async function pullLayer(
  cache: Cache,
  open: OpenImage,
  { descriptor, diffId }: { descriptor: Descriptor; diffId: string },
  signal: AbortSignal | undefined,
): Promise<Layer> {
  const path = cache.layer(diffId);
  const cached = await readLayer(path);
  if (cached !== undefined) return cached;
  const [download, temporary] = [await cache.temporary(), await cache.temporary()];
  try {
    const blob = join(download, "blob");
    await pullBlob(open.client, descriptor, blob, signal);
    await unpackLayer(blob, { mediaType: descriptor.mediaType, diffId }, temporary, signal);
    await cache.publish(temporary, path);
  } finally {
    await rm(download, { recursive: true, force: true });
    await rm(temporary, { recursive: true, force: true });
  }
  const layer = await readLayer(path);
  if (layer === undefined) throw new Error(`the layer ${diffId} vanished from the cache while it was being used`);
  return layer;
}

function aboutCache(cacheDir: string, error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof OperationError || !["ENOSPC", "EDQUOT", "EROFS", "EACCES", "ENOTDIR"].includes(code))
    return error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new OperationError(
    "failed",
    {
      where: `image cache ${cacheDir}`,
      what: full ? "has no space left." : `cannot be written to (${code}).`,
      next: full
        ? "Make room there (the folder may be deleted when nothing runs), or name another in AFFEXAI_CACHE_DIR."
        : "Name a folder that can be written to in AFFEXAI_CACHE_DIR.",
    },
    { cause: error },
  );
}
