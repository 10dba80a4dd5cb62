import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Marks files that were not finished; `removeUnfinished` deletes them. */
const unfinishedSuffix = ".unfinished";

/** Replaces a file so that a crash leaves either the old content or the new one, and what was acknowledged stays: written aside, synced, renamed, folder synced. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomUUID()}${unfinishedSuffix}`;
  const file = await open(aside, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  await syncFolder(dirname(path));
}

/** Removes a file for good; one that is not there is fine. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Makes renames and removals in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Deletes what a crash left half-written in a folder. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder);
  await Promise.all(names.filter((name) => name.endsWith(unfinishedSuffix)).map((name) => rm(join(folder, name))));
}
