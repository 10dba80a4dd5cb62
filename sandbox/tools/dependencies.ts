import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { z } from "zod";

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dependencies: z.record(z.string(), z.string()).optional(),
      peerDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
type Packages = z.infer<typeof Lock>["packages"];

/**
 * The installed packages that some modules of a repository need, with what those need in turn: folders relative to `root`, sorted.
 * Follows static imports everywhere, and those on demand only from files that `lazily` accepts.
 */
export async function dependenciesOf(
  root: string,
  entries: readonly string[],
  lazily: (path: string) => boolean,
): Promise<string[]> {
  const { packages } = Lock.parse(JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")));
  const needed = new Set<string>();
  for (const name of await importedPackages(root, entries, lazily)) add(packages, needed, "", name);
  return [...needed].sort();
}

async function importedPackages(
  root: string,
  entries: readonly string[],
  lazily: (path: string) => boolean,
): Promise<Set<string>> {
  const [seen, found] = [new Set<string>(), new Set<string>()];
  const waiting = entries.map((entry) => join(root, entry));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = await readFile(file, "utf8");
    const lazy = lazily(relative(root, file)) ? [...text.matchAll(/\bimport\("([^"]+)"\)/g)] : [];
    // Types are gone when it runs.
    for (const [, name = ""] of [...text.matchAll(/^(?!import type\b).*\bfrom "([^"]+)";$/gm), ...lazy]) {
      if (name.startsWith(".")) waiting.push(join(dirname(file), name));
      else if (!name.startsWith("node:") && !builtinModules.includes(name)) found.add(packageName(name));
    }
  }
  return found;
}

function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Finds a package as Node does, from the innermost folder outwards. Peers that are not installed are optional ones. */
function add(packages: Packages, needed: Set<string>, from: string, name: string): void {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const found = packages[path];
    if (found !== undefined) {
      if (needed.has(path)) return;
      needed.add(path);
      for (const next of Object.keys({ ...found.dependencies, ...found.peerDependencies })) {
        add(packages, needed, path, next);
      }
      return;
    }
    if (folder === "") return;
  }
}
