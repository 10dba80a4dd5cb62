import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import { z } from "zod";
import { ImageConfig } from "../../operations/image/manifest.ts";
import type { BaseImage } from "../images/build.ts";

const Saved = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).length(1);
const Document = z.object({ config: ImageConfig.nullish(), rootfs: z.object({ diff_ids: z.array(z.string()) }) });
const Kept = z.object({
  config: ImageConfig,
  layers: z.array(z.object({ digest: z.string(), size: z.int(), diffId: z.string() })),
});

/**
 * An image of an engine as the base of a build here: its layers, gzipped, and its configuration. Kept in `cacheDir` by the image's id, since saving
 * and compressing takes seconds.
 */
export async function savedImage(docker: Docker, name: string, cacheDir: string): Promise<BaseImage> {
  const { Id: id } = await docker.getImage(name).inspect();
  const [images, blobs] = [join(cacheDir, "images"), join(cacheDir, "blobs")];
  await Promise.all([mkdir(images, { recursive: true }), mkdir(blobs, { recursive: true })]);
  const record = join(images, `${id.slice(7)}.json`);
  const withPaths = ({ config, layers }: z.infer<typeof Kept>): BaseImage => ({
    config,
    layers: layers.map((layer) => ({ ...layer, path: join(blobs, layer.digest.slice(7)) })),
  });
  const kept = await readFile(record, "utf8").then(
    (text) => withPaths(Kept.parse(JSON.parse(text))),
    () => null,
  );
  if (kept !== null && (await complete(kept))) return kept;
  const temporary = join(cacheDir, `save-${randomUUID()}`);
  await mkdir(temporary);
  try {
    const files = await unpack((await docker.getImage(name).get()) as Readable, temporary);
    const read = async (file: string) => JSON.parse(await readFile(files(file), "utf8")) as unknown;
    const [saved] = Saved.parse(await read("manifest.json"));
    if (saved === undefined) throw new Error(`The engine saved no image ${name}.`);
    const { config, rootfs } = Document.parse(await read(saved.Config));
    const layers = [];
    for (const [index, file] of saved.Layers.entries()) {
      layers.push({ ...(await compress(files(file), blobs)), diffId: rootfs.diff_ids[index] ?? "" });
    }
    const result = { config: config ?? {}, layers };
    await writeFile(`${temporary}.json`, JSON.stringify(result));
    await rename(`${temporary}.json`, record);
    return withPaths(result);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function complete({ layers }: BaseImage): Promise<boolean> {
  const sizes = await Promise.all(
    layers.map(async ({ path }) =>
      stat(path).then(
        ({ size }) => size,
        () => -1,
      ),
    ),
  );
  return layers.every(({ size }, index) => size === sizes[index]);
}

/** Writes the archive's files under numbers; returns where each is. An archive names equal layers once, and by links after that. */
async function unpack(archive: Readable, into: string): Promise<(name: string) => string> {
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const tar = extract();
  const reading = (async () => {
    for await (const entry of tar) {
      const { name, type, linkname } = entry.header;
      if (type === "symlink") links.set(name, posix.join(posix.dirname(name), linkname ?? ""));
      if (type === "file") {
        const path = join(into, `${files.size}`);
        files.set(name, path);
        await pipeline(entry, createWriteStream(path));
      } else entry.resume();
    }
  })();
  await Promise.all([pipeline(archive, tar), reading]);
  return (name) => {
    const path = files.get(links.get(name) ?? name);
    if (path === undefined) throw new Error(`The saved image has no file ${name}.`);
    return path;
  };
}

/** Newer engines save layers compressed as they were pulled; they are compressed anew all the same, so that one image gives one digest. */
async function compress(file: string, blobs: string): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const part = join(blobs, `${randomUUID()}.part`);
  try {
    const source = createReadStream(file);
    const plain = (await isGzipped(file)) ? source.pipe(createGunzip()) : source;
    await pipeline(plain, createGzip({ level: 1 }), measure, createWriteStream(part));
    const digest = hash.digest("hex");
    await rename(part, join(blobs, digest));
    return { digest: `sha256:${digest}`, size };
  } finally {
    await rm(part, { force: true });
  }
}

async function isGzipped(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
