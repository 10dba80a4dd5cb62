import { OperationError } from "../error.ts";
import type { LayerEntry } from "./layer.ts";

export interface Directory {
  readonly type: "directory";
  mode: number;
  readonly children: Map<string, Node>;
}
/** A file's content: the number `content` in the layer at index `layer`. */
export interface File {
  readonly type: "file";
  readonly layer: number;
  readonly content: number;
  readonly size: number;
}
export interface Symlink {
  readonly type: "symlink";
  readonly target: string;
}
export type Node = Directory | File | Symlink;

/**
 * Lays the layers of an image over each other, bottom first, and returns its root. Pure: nothing is read or written.
 * Throws an OperationError for a symlink that leads out of the image, and for entries that contradict each other.
 * Source: OCI image specification 1.1, layer.md (changesets and whiteouts).
 */
export function mergeLayers(layers: readonly (readonly LayerEntry[])[]): Directory {
  const root = newDirectory(0o755);
  for (const [layer, entries] of layers.entries()) {
    // Whiteouts hide what the layers below hold, wherever in the archive they stand.
    for (const entry of entries) {
      if (entry.type === "whiteout") findParent(root, entry.path)?.children.delete(baseName(entry.path));
      if (entry.type !== "opaque") continue;
      const hidden = resolve(root, entry.path);
      if (hidden?.type === "directory") hidden.children.clear();
    }
    for (const entry of entries) place(root, entry, layer);
  }
  refuseEscapes(root, [root], "");
  return root;
}

function place(root: Directory, entry: LayerEntry, layer: number): void {
  if (entry.type === "whiteout" || entry.type === "opaque") return;
  const { children } = makeParent(root, entry.path);
  const name = baseName(entry.path);
  const existing = children.get(name);
  switch (entry.type) {
    case "directory":
      if (existing?.type === "directory") existing.mode = entry.mode;
      else children.set(name, newDirectory(entry.mode));
      return;
    case "file":
      children.set(name, { type: "file", layer, content: entry.content, size: entry.size });
      return;
    case "symlink":
      children.set(name, { type: "symlink", target: entry.target });
      return;
    case "link": {
      const target = findParent(root, entry.target)?.children.get(baseName(entry.target));
      if (target === undefined || target.type === "directory") {
        throw refused(entry.path, `is a hard link to ${entry.target}, which is not a file of the image`);
      }
      children.set(name, target);
    }
  }
}

/** The directory a path lies in, following symlinks inside the image; undefined when there is none. */
function findParent(root: Directory, path: string): Directory | undefined {
  const parent = resolve(root, path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  return parent?.type === "directory" ? parent : undefined;
}

/** As findParent; makes the directories that no layer has an entry for. */
function makeParent(root: Directory, path: string): Directory {
  let parent = root;
  let walked = "";
  for (const name of path.split("/").slice(0, -1)) {
    walked = walked === "" ? name : `${walked}/${name}`;
    const child = resolve(root, walked);
    if (child?.type === "directory") {
      parent = child;
    } else if (child === undefined && parent.children.get(name) === undefined) {
      const made = newDirectory(0o755);
      parent.children.set(name, made);
      parent = made;
    } else {
      throw refused(path, `lies under ${walked}, which is not a directory`);
    }
  }
  return parent;
}

/** More links than this in one path is a loop, as for Linux. */
const linkLimit = 40;

/**
 * Follows a path from the image's root (or from the last of `from`, with its parents) through symlinks; undefined when it leads
 * nowhere. What is missing is walked as an empty directory: a process may make it later, and `..` must not lead out even then.
 */
function resolve(root: Directory, path: string, from: readonly Directory[] = [root]): Node | undefined {
  const stack = [...from];
  const pending = path.split("/");
  let links = 0;
  let missing = false;
  while (pending.length > 0) {
    const name = pending.shift();
    if (name === undefined || name === "" || name === ".") continue;
    if (name === "..") {
      if (stack.length === 1) throw refused(path, "leads out of the image");
      stack.pop();
      continue;
    }
    const child = stack.at(-1)?.children.get(name);
    if (child?.type === "symlink") {
      links += 1;
      if (links > linkLimit) return undefined;
      if (child.target.startsWith("/")) stack.splice(0, stack.length, root);
      pending.unshift(...child.target.split("/"));
    } else if (child?.type === "directory") {
      stack.push(child);
    } else if (child?.type === "file" && pending.every((rest) => rest === "")) {
      return missing ? undefined : child;
    } else {
      missing = true;
      stack.push(newDirectory(0));
    }
  }
  return missing ? undefined : stack.at(-1);
}

function refuseEscapes(root: Directory, stack: readonly Directory[], path: string): void {
  for (const [name, child] of stack.at(-1)?.children ?? []) {
    const here = path === "" ? name : `${path}/${name}`;
    if (child.type === "directory") refuseEscapes(root, [...stack, child], here);
    if (child.type !== "symlink") continue;
    try {
      resolve(root, child.target, child.target.startsWith("/") ? [root] : stack);
    } catch (error) {
      throw refused(here, `is a symlink to ${child.target}, which leads out of the image`, error);
    }
  }
}

function newDirectory(mode: number): Directory {
  return { type: "directory", mode, children: new Map() };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function refused(path: string, what: string, cause?: unknown): OperationError {
  return new OperationError(
    "refused",
    { where: `image entry ${path}`, what: `${what}.`, next: "Nothing of it was used. Build the image again." },
    { cause },
  );
}
