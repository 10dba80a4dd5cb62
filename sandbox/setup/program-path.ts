import { access, constants, readFile } from "node:fs/promises";
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

/** Where a program is on PATH, or null. */
export async function findProgram(name: string, path = process.env["PATH"] ?? ""): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    const executable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== "" && executable) return file;
  }
  return null;
}
