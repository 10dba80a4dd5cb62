import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { nodeFileTrace } from "@vercel/nft";
import { root } from "./tree.ts";

/**
 * Every file outside the given application's compiled code that this code can load, relative to the root, sorted. Packages in
 * `fromOutside` are traced as what others load beside it, by require or by import. What is traced is only the set of imported
 * packages, so that two releases that import the same packages get the same files, and so the same image layer.
 */
export async function traceDependencies(application: string, fromOutside: readonly string[]): Promise<string[]> {
  const folder = path.join(root, "apps", application);
  const imported = new Set(fromOutside);
  for (const text of await compiledFiles(path.join(folder, "dist"))) {
    for (const [, name] of text.matchAll(/\brequire\("([^"./][^"]*)"\)/g)) {
      if (name !== undefined && !name.startsWith("node:")) imported.add(name);
    }
  }
  const required = [...imported].sort().map((name) => `require(${JSON.stringify(name)});\n`);
  const entries = {
    [path.join(folder, ".trace.cjs")]: required.join(""),
    [path.join(folder, ".trace.mjs")]: importing(fromOutside),
  };
  for (const [file, text] of Object.entries(entries)) await writeFile(file, text);
  try {
    const { fileList, warnings } = await nodeFileTrace(Object.keys(entries), { base: root, processCwd: root });
    refuseMissing([...warnings], imported);
    return [...fileList].filter((file) => !path.basename(file).startsWith(".trace.")).sort();
  } finally {
    for (const file of Object.keys(entries)) await rm(file);
  }
}

function importing(names: readonly string[]): string {
  return names.map((name) => `import ${JSON.stringify(name)};\n`).join("");
}

/** Packages warn about optional parts that nobody installed; only what our own code imports must be there. */
function refuseMissing(warnings: readonly Error[], imported: ReadonlySet<string>): void {
  const missing = [...imported].filter((name) =>
    warnings.some(
      ({ message }) => message.startsWith(`Failed to resolve dependency "${name}"`) && message.includes(".trace."),
    ),
  );
  if (missing.length > 0) throw new Error(`${missing.join(", ")}: imported but not installed. Run npm ci.`);
}

async function compiledFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(
    names.filter((name) => name.endsWith(".js")).map((name) => readFile(path.join(folder, name), "utf8")),
  );
}
