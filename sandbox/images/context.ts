import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { orWhenMissing } from "../../operations/image/missing.ts";
import type { CopyStep } from "./dockerfile.ts";
import { toExpression, type IgnoreRules } from "./ignore.ts";

/** Something that a COPY puts into the image. Paths are relative to the image's root, without a leading slash. */
export type TreeEntry = { readonly path: string; readonly mode: number } & (
  | { readonly type: "directory" }
  | { readonly type: "file"; readonly size: number; readonly source: string }
  | { readonly type: "symlink"; readonly target: string }
);

export interface BuildContext {
  /** The folder that sources are relative to. */
  readonly root: string;
  /** What errors call the Dockerfile. */
  readonly dockerfile: string;
  readonly ignore: IgnoreRules;
}

/**
 * Finds what a COPY copies, as Docker does: of a folder its content, symlinks below it as symlinks, a file to the destination or
 * into it. Sorted by path; the folders above the destination are part of it. Throws when a source matches nothing.
 */
export async function selectEntries(context: BuildContext, step: CopyStep): Promise<TreeEntry[]> {
  const found = new Map<string, TreeEntry>();
  const add = (entry: TreeEntry) => found.set(entry.path, step.mode === undefined ? entry : withMode(entry, step.mode));
  for (const source of step.sources) {
    const matches = await matchSource(context, step, source);
    const several = matches.length > 1 || step.sources.length > 1;
    for (const match of matches) {
      const status = await stat(join(context.root, match));
      if (status.isDirectory()) {
        await addFolder(context, match, step.destination, add);
      } else {
        const inFolder = several || step.destination.endsWith("/");
        const path = inFolder ? posix.join(step.destination, posix.basename(match)) : step.destination;
        const file = { size: status.size, source: join(context.root, match), mode: status.mode & 0o777 };
        add({ type: "file", path: path.slice(1), ...file });
      }
    }
  }
  for (const path of [...found.keys()]) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join("/");
      if (!found.has(parent)) found.set(parent, { type: "directory", path: parent, mode: 0o755 });
    }
  }
  return [...found.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

function withMode(entry: TreeEntry, mode: number): TreeEntry {
  return entry.type === "symlink" ? entry : { ...entry, mode };
}

async function addFolder(
  context: BuildContext,
  folder: string,
  destination: string,
  add: (entry: TreeEntry) => void,
): Promise<void> {
  const target = posix.join(destination, ".").slice(1).replace(/\/$/, "");
  if (target !== "") add({ type: "directory", path: target, mode: 0o755 });
  for (const name of await readdir(join(context.root, folder))) {
    const path = folder === "." ? name : `${folder}/${name}`;
    const excluded = context.ignore.excludes(path);
    if (excluded && !context.ignore.mayReinclude(path)) continue;
    const source = join(context.root, path);
    const status = await lstat(source);
    const inImage = target === "" ? name : `${target}/${name}`;
    const mode = status.mode & 0o777;
    if (status.isDirectory()) {
      if (!excluded) add({ type: "directory", path: inImage, mode });
      await addFolder(context, path, `/${inImage}`, excluded ? withoutFolders(add) : add);
    } else if (excluded) {
      continue;
    } else if (status.isSymbolicLink()) {
      add({ type: "symlink", path: inImage, mode: 0o777, target: await readlink(source) });
    } else if (status.isFile()) {
      add({ type: "file", path: inImage, mode, size: status.size, source });
    } else {
      throw refused(context, 0, `${path} is neither a file nor a folder nor a symlink`, "Exclude it in .dockerignore.");
    }
  }
}

/** In an excluded folder only what a `!` pattern lets in again counts; its folders come with it. */
function withoutFolders(add: (entry: TreeEntry) => void): (entry: TreeEntry) => void {
  return (entry) => {
    if (entry.type !== "directory") add(entry);
  };
}

async function matchSource(context: BuildContext, step: CopyStep, source: string): Promise<string[]> {
  const normal = posix.normalize(source).replace(/^\/+/, "").replace(/\/$/, "") || ".";
  if (normal.split("/").includes("..")) {
    throw refused(
      context,
      step.line,
      `COPY ${source} lies outside the build context`,
      "Choose a context that contains it.",
    );
  }
  const matches = await match(context.root, ".", normal === "." ? [] : normal.split("/"));
  const kept = matches.filter(
    (path) => path === "." || !context.ignore.excludes(path) || context.ignore.mayReinclude(path),
  );
  if (kept.length > 0) return kept;
  const why = matches.length > 0 ? "is excluded by .dockerignore" : "matches nothing in the build context";
  throw refused(context, step.line, `COPY ${source} ${why}`, "Build what it should copy first, or correct the path.");
}

async function match(root: string, folder: string, parts: readonly string[]): Promise<string[]> {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  const names = /[*?[\\]/.test(part)
    ? (await readNames(join(root, folder))).filter((name) => toExpression(part).test(name))
    : [part];
  const found: string[] = [];
  for (const name of names.sort()) {
    const path = folder === "." ? name : `${folder}/${name}`;
    if (await exists(join(root, path))) found.push(...(await match(root, path, rest)));
  }
  return found;
}

async function readNames(folder: string): Promise<string[]> {
  return (await stat(folder)).isDirectory() ? await readdir(folder) : [];
}

async function exists(path: string): Promise<boolean> {
  return (await orWhenMissing(stat(path), undefined)) !== undefined;
}

function refused(context: BuildContext, line: number, what: string, next: string): OperationError {
  const where = line === 0 ? context.dockerfile : `${context.dockerfile}, line ${line}`;
  return new OperationError("refused", { where, what: `${what}.`, next });
}
