import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";

/** The file that marks a state folder as a demo's own. */
const mark = "demo";

/** Refuses a folder that holds what no demo made: somebody works on a sandbox there. */
export async function refuseForeign(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  if (entries.length === 0 || (await isFile(join(folder, mark)))) return;
  throw new OperationError("refused", {
    where: folder,
    what: "holds a sandbox that no demo made, and a demo begins by deleting all of it; nothing was touched.",
    next: "Leave AFFEXAI_SANDBOX_DIR out (env -u AFFEXAI_SANDBOX_DIR ./affexai demo), or name a folder there that is new or empty.",
  });
}

/** Deletes all that a demo left in its folder, and marks the folder as one that the next demo may empty. */
export async function emptyFolder(folder: string): Promise<void> {
  await refuseForeign(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, mark), "");
}

/** `.sandbox` has a folder of that name: the demo's own. */
async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
