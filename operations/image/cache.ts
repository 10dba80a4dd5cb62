import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isProcessAlive } from "../process-alive.ts";
import { codeOf } from "./missing.ts";

/**
 * The folder of unpacked images. `layers/<hex of the diff id>/` holds a layer's files, `images/<hex of the digest>/` an image's
 * tree. A folder gets its name by one rename when it is complete, so a name that exists is whole whatever was killed; of two
 * processes that make the same one, the second drops its own.
 */
export interface Cache {
  layer(diffId: string): string;
  image(digest: string): string;
  /** A new folder for work in progress; what a dead process left of its own is removed when the cache is next opened. */
  temporary(): Promise<string>;
  /** Gives a finished temporary folder its final name. */
  publish(temporary: string, path: string): Promise<void>;
  /** Takes a folder away at once; what is being read of it by others fails there with ENOENT. */
  discard(path: string): Promise<void>;
}

export async function openCache(dir: string): Promise<Cache> {
  const temporaries = join(dir, "tmp");
  for (const folder of [temporaries, join(dir, "layers"), join(dir, "images")]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await sweep(temporaries);
  const newName = () => join(temporaries, `${hostname()}~${process.pid}~${randomUUID()}`);

  async function discard(path: string): Promise<void> {
    const aside = newName();
    try {
      await rename(path, aside);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      throw error;
    }
    await rm(aside, { recursive: true, force: true });
  }

  return {
    layer: (diffId) => join(dir, "layers", hex(diffId)),
    image: (digest) => join(dir, "images", hex(digest)),
    async temporary() {
      const path = newName();
      await mkdir(path);
      return path;
    },
    async publish(temporary, path) {
      try {
        await rename(temporary, path);
      } catch (error) {
        if (!["EEXIST", "ENOTEMPTY"].includes(codeOf(error))) throw error;
        await rm(temporary, { recursive: true, force: true });
      }
    },
    discard,
  };
}

async function sweep(temporaries: string): Promise<void> {
  for (const name of await readdir(temporaries)) {
    const [host, pid] = name.split("~");
    if (host !== hostname() || isProcessAlive(Number(pid))) continue;
    await rm(join(temporaries, name), { recursive: true, force: true });
  }
}

function hex(digest: string): string {
  return digest.replace("sha256:", "");
}
