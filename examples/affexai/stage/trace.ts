import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { nodeFileTrace } from "@vercel/nft";
import { root } from "./tree.ts";

/**
 * Every file outside the given application's compiled code that this code can load, relative to the root, sorted. Packages in
 * `fromOutside` are traced as what others load beside it, by require or by import. What is traced is only the set of imported
 * packages, so that two releases that import the same packages get the same files, and so the same image layer; the answer is
 * kept for the next time that set and the lockfile are the same, because tracing takes seconds.
 */
export async function traceDependencies(application: string, fromOutside: readonly string[]): Promise<string[]> {
  const folder = path.join(root, "apps", application);
  const imported = await importedPackages(path.join(folder, "dist"), fromOutside);
  const key = createHash("sha256")
    .update(JSON.stringify([imported, fromOutside]))
    .update(await readFile(path.join(root, "package-lock.json")))
    .digest("hex");
  const keptIn = path.join(folder, ".trace.json");
  const kept = await readKept(keptIn);
  if (kept?.key === key) return kept.files;
  const files = await trace(folder, imported, fromOutside);
  await writeFile(keptIn, JSON.stringify({ key, files }));
  return files;
}

async function importedPackages(compiled: string, fromOutside: readonly string[]): Promise<string[]> {
  const imported = new Set(fromOutside);
  const names = await readdir(compiled, { recursive: true });
  for (const name of names.filter((each) => each.endsWith(".js"))) {
    const text = await readFile(path.join(compiled, name), "utf8");
    for (const [, specifier] of text.matchAll(/\brequire\("([^"./][^"]*)"\)/g)) {
      if (specifier !== undefined && !specifier.startsWith("node:")) imported.add(specifier);
    }
  }
  return [...imported].sort();
}

async function trace(folder: string, imported: readonly string[], fromOutside: readonly string[]): Promise<string[]> {
  const lines = (names: readonly string[], line: (name: string) => string): string => names.map(line).join("\n");
  const entries = {
    [path.join(folder, ".trace.cjs")]: lines(imported, (name) => `require(${JSON.stringify(name)});`),
    [path.join(folder, ".trace.mjs")]: lines(fromOutside, (name) => `import ${JSON.stringify(name)};`),
  };
  try {
    for (const [file, text] of Object.entries(entries)) await writeFile(file, text);
    const { fileList, warnings } = await nodeFileTrace(Object.keys(entries), { base: root, processCwd: root });
    refuseMissing([...warnings], imported);
    return [...fileList].filter((file) => !path.basename(file).startsWith(".trace.")).sort();
  } finally {
    for (const file of Object.keys(entries)) await rm(file, { force: true });
  }
}

/** Packages warn about optional parts that nobody installed; only what our own code imports must be there. */
function refuseMissing(warnings: readonly Error[], imported: readonly string[]): void {
  const missing = imported.filter((name) =>
    warnings.some(
      ({ message }) => message.startsWith(`Failed to resolve dependency "${name}"`) && message.includes(".trace."),
    ),
  );
  if (missing.length > 0) throw new Error(`${missing.join(", ")}: imported but not installed. Run npm ci.`);
}

async function readKept(file: string): Promise<{ key: string; files: string[] } | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as { key: string; files: string[] };
  } catch {
    return undefined; // Not there, or cut off by a crash: trace again.
  }
}
