import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { codeOf } from "./missing.ts";
import type { Layer } from "./layer.ts";
import { inParallel } from "./pool.ts";
import type { Directory, File } from "./tree.ts";

/** A cached layer is not what was unpacked: written to, half gone, or cut off by a power failure. It has to be unpacked again. */
export class DamagedLayer extends Error {
  override readonly name = "DamagedLayer";
  readonly layer: Layer;

  constructor(layer: Layer, content: number) {
    super(`content ${content} of ${layer.path} is missing or was changed`);
    this.layer = layer;
  }
}

/**
 * Makes an image's tree in the empty folder `into`. Files are hard links to the layers' read-only contents (copies where the file
 * system has no hard links). An absolute symlink becomes a relative one, so that it stays inside wherever the tree lies.
 */
export async function writeRootfs(root: Directory, layers: readonly Layer[], into: string): Promise<void> {
  const files: { path: string; file: File }[] = [];
  const symlinks: { path: string; target: string }[] = [];
  const pending: { path: string; directory: Directory }[] = [{ path: into, directory: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, child] of next.directory.children) {
      const path = join(next.path, name);
      if (child.type === "file") files.push({ path, file: child });
      else if (child.type === "symlink") symlinks.push({ path, target: inside(into, next.path, child.target) });
      else {
        // The owner may always write: whoever made the cache must be able to remove it.
        await mkdir(path, { mode: child.mode | 0o700 });
        pending.push({ path, directory: child });
      }
    }
  }
  await inParallel(files, 8, async ({ path, file }) => {
    const layer = layers[file.layer];
    if (layer === undefined) throw new Error(`the tree names layer ${file.layer} of ${layers.length}`);
    await place(layer, file, path);
  });
  // Last, so that nothing is ever written through one.
  await inParallel(symlinks, 8, ({ path, target }) => symlink(target, path));
}

function inside(root: string, directory: string, target: string): string {
  if (!target.startsWith("/")) return target;
  const path = relative(directory, join(root, target));
  return path === "" ? "." : path;
}

async function place(layer: Layer, file: File, path: string): Promise<void> {
  const content = join(layer.path, String(file.content));
  try {
    const found = await lstat(content);
    if (found.size !== file.size || found.mtimeMs > layer.completedMs) throw new DamagedLayer(layer, file.content);
    await link(content, path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new DamagedLayer(layer, file.content);
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(codeOf(error))) throw error;
    await copyFile(content, path, constants.COPYFILE_FICLONE);
  }
}
