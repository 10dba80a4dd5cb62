import { lstat, readdir, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { TreeEntry } from "../images/context.ts";

/** The files of a layer, put together out of what this machine has. Paths are absolute, as in the image. */
export class Rootfs {
  readonly #entries = new Map<string, TreeEntry>();

  directory(path: string, mode = 0o755): void {
    this.#add({ type: "directory", path: relative(path), mode });
  }

  symlink(path: string, target: string): void {
    this.#add({ type: "symlink", path: relative(path), target, mode: 0o777 });
  }

  /** A file of this machine, by default under its own path. Its links are followed. */
  async file(source: string, path = source): Promise<void> {
    const real = await realpath(source);
    const { size, mode } = await stat(real);
    this.#add({ type: "file", path: relative(path), source: real, size, mode: mode & 0o777 });
  }

  /** A folder of this machine with everything in it that `wanted` accepts, by default under its own path. Links stay links. */
  async folder(source: string, path = source, wanted: (name: string) => boolean = () => true): Promise<void> {
    this.directory(path);
    for (const name of await readdir(source)) {
      if (!wanted(name)) continue;
      const [from, to] = [join(source, name), join(path, name)];
      const status = await lstat(from);
      if (status.isDirectory()) await this.folder(from, to, wanted);
      else if (status.isSymbolicLink()) this.symlink(to, await readlink(from));
      else await this.file(from, to);
    }
  }

  /** Sorted by path, each below the folders that it is in. */
  entries(): TreeEntry[] {
    for (const path of [...this.#entries.keys()]) {
      const parts = path.split("/");
      for (let depth = 1; depth < parts.length; depth += 1) {
        const parent = parts.slice(0, depth).join("/");
        if (!this.#entries.has(parent)) this.directory(`/${parent}`);
      }
    }
    return [...this.#entries.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  #add(entry: TreeEntry): void {
    this.#entries.set(entry.path, entry);
  }
}

function relative(path: string): string {
  return path.replace(/^\/+/, "");
}
