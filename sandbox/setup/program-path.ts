import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { root, toolsFolder } from "./paths.ts";

/** `path` with this project's Node in it, and what set-up recorded: the engine, PostgreSQL's programs, Redis. As the launcher does it. */
export async function programPath(path: string): Promise<string> {
  const record = await readFile(join(toolsFolder, "setup"), "utf8").catch(() => "");
  const [recordedRoot, ...recorded] = record.trim().split("\n");
  const folders = [dirname(process.execPath), ...(recordedRoot === root ? recorded : [])];
  const known = path.split(delimiter);
  return [...folders.filter((folder) => folder !== "" && !known.includes(folder)), ...known].join(delimiter);
}
