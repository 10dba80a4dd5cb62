import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { orWhenMissing } from "../../operations/image/missing.ts";
import { RegistryError } from "./errors.ts";

/**
 * What the registry keeps, as files: `blobs/<hex>` (manifests too), and for each repository `_blobs/<hex>` (empty: it may read
 * this blob), `_manifests/<hex>` (the media type) and `_tags/<tag>` (the digest). A name appears by one rename, when its content
 * is complete, so whatever is there after a kill -9 is true.
 */
export interface Store {
  readonly uploads: string;
  blobPath(digest: string): string;
  /** Size in bytes; undefined when the repository does not have the blob. */
  blobSize(repository: string, digest: string): Promise<number | undefined>;
  /** Moves a complete file into the store, if its digest is the one announced. */
  adoptBlob(repository: string, file: string, digest: string): Promise<void>;
  linkBlob(repository: string, digest: string): Promise<void>;
  putManifest(
    repository: string,
    manifest: { bytes: Buffer; digest: string; mediaType: string; tag?: string },
  ): Promise<void>;
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  manifestDigests(repository: string): Promise<string[]>;
  tags(repository: string): Promise<string[] | undefined>;
  repositories(): Promise<string[]>;
}

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export async function openStore(dir: string): Promise<Store> {
  const [blobs, roots, uploads] = [join(dir, "blobs"), join(dir, "repositories"), join(dir, "uploads")];
  for (const folder of [blobs, roots, uploads]) await mkdir(folder, { recursive: true });

  const blobPath = (digest: string) => join(blobs, hex(digest));
  const inRepository = (repository: string, ...rest: string[]) => join(roots, ...repository.split("/"), ...rest);

  async function write(path: string, content: string | Buffer): Promise<void> {
    const temporary = join(uploads, `${randomUUID()}.part`);
    await writeFile(temporary, content);
    await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
  }

  async function manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const tagged = reference.startsWith("sha256:")
      ? reference
      : await readText(inRepository(repository, "_tags", reference));
    if (tagged === undefined) return undefined;
    const mediaType = await readText(inRepository(repository, "_manifests", hex(tagged)));
    return mediaType === undefined ? undefined : { digest: tagged, mediaType, bytes: await readFile(blobPath(tagged)) };
  }

  async function findRepositories(path: string): Promise<string[]> {
    const names = await list(inRepository(path));
    const here = names.includes("_manifests") ? [path] : [];
    const below = names.filter((name) => !name.startsWith("_"));
    const nested = await Promise.all(below.map((name) => findRepositories(path === "" ? name : `${path}/${name}`)));
    return [...here, ...nested.flat()];
  }

  async function linkBlob(repository: string, digest: string): Promise<void> {
    await write(inRepository(repository, "_blobs", hex(digest)), "");
  }

  return {
    uploads,
    blobPath,
    linkBlob,
    manifest,
    async blobSize(repository, digest) {
      const linked = await readText(inRepository(repository, "_blobs", hex(digest)));
      return linked === undefined ? undefined : (await stat(blobPath(digest))).size;
    },
    async adoptBlob(repository, file, digest) {
      const hash = createHash("sha256");
      await pipeline(createReadStream(file), hash);
      const actual = `sha256:${hash.digest("hex")}`;
      if (actual !== digest)
        throw new RegistryError("DIGEST_INVALID", `provided digest did not match uploaded content`);
      await rename(file, blobPath(digest));
      await linkBlob(repository, digest);
    },
    async putManifest(repository, { bytes, digest, mediaType, tag }) {
      await write(blobPath(digest), bytes);
      await linkBlob(repository, digest);
      await write(inRepository(repository, "_manifests", hex(digest)), mediaType);
      if (tag !== undefined) await write(inRepository(repository, "_tags", tag), digest);
    },
    async manifestDigests(repository) {
      return (await list(inRepository(repository, "_manifests"))).map((name) => `sha256:${name}`);
    },
    async tags(repository) {
      const known = await list(inRepository(repository));
      return known.includes("_manifests") ? (await list(inRepository(repository, "_tags"))).sort() : undefined;
    },
    async repositories() {
      return (await findRepositories("")).sort();
    },
  };
}

function hex(digest: string): string {
  return digest.replace("sha256:", "");
}

async function readText(path: string): Promise<string | undefined> {
  return await orWhenMissing(readFile(path, "utf8"), undefined);
}

async function list(path: string): Promise<string[]> {
  return await orWhenMissing(readdir(path), []);
}
