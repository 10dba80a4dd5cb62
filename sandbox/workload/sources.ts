import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** The workload in this repository: release 1, and below `releases/` what the later ones change. */
export const workloadRoot = join(import.meta.dirname, "../../examples/affexai");

/** A release's files: path relative to the workspace's root, to the file here that holds its content. Sorted by path. */
export type Sources = ReadonlyMap<string, string>;

/** Made by builds, or a developer's own. */
const notSources = new Set(["node_modules", "dist", ".next", "image", ".env.local", "next-env.d.ts"]);

/** Files below a folder that belong to the sources, relative to it. */
export async function listSources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (notSources.has(entry.name) || entry.name.startsWith(".trace.") || entry.name.endsWith(".tsbuildinfo")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await listSources(path)).map((inside) => join(entry.name, inside)));
    else found.push(relative(folder, path));
  }
  return found.sort();
}

/** The number of the release whose files a release starts from. Nobody builds on releases that went wrong with their migrations. */
const startsFrom: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 3, 5: 3, 6: 2 };

/** The files of a release: those that it starts from (the tree, for the first), with its own overlay copied over them. */
export async function sourcesOf(release: number): Promise<Sources> {
  const base = startsFrom[release];
  const folder = base === undefined ? workloadRoot : join(workloadRoot, "releases", `${release}`);
  const sources = new Map(base === undefined ? [] : await sourcesOf(base));
  for (const path of await listSources(folder)) {
    if (!path.startsWith("releases/")) sources.set(path, join(folder, path));
  }
  return new Map([...sources].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Hash (hex, of 64 or, for SHA-1, 40 digits) of the sources whose path starts with one of the prefixes: equal content, equal hash. */
export async function hashSources(
  sources: Sources,
  prefixes: readonly string[],
  algorithm: "sha256" | "sha1" = "sha256",
): Promise<string> {
  const hash = createHash(algorithm);
  for (const [path, file] of sources) {
    if (!prefixes.some((prefix) => path.startsWith(prefix))) continue;
    hash.update(`${path}\0`).update(
      createHash("sha256")
        .update(await readFile(file))
        .digest(),
    );
  }
  return hash.digest("hex");
}
