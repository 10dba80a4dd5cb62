import { readFile } from "node:fs/promises";

/**
 * A module and everything that it imports by relative path as one text, for a Node that gets it on stdin and can read no files of ours.
 * Imported modules become `data:` URLs; one that is imported twice is the same module.
 */
export async function packScript(module: URL): Promise<string> {
  const source = await readFile(module, "utf8");
  const imports = [...source.matchAll(/^(import .* from )"(\.\/[\w-]+\.mjs)";$/gm)];
  let packed = source;
  for (const [statement, head = "", path = ""] of imports) {
    const imported = Buffer.from(await packScript(new URL(path, module))).toString("base64");
    packed = packed.replace(statement, () => `${head}"data:text/javascript;base64,${imported}";`);
  }
  return packed;
}
