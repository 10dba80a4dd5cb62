import { lstat, mkdir, readdir, readFile, readlink, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { canEnter, type User } from "./unprivileged.ts";

/** Where data goes whose owner cannot reach the state folder, for example because the repository is in root's home. */
const elsewhere = "/var/lib/affexai-sandbox";

/**
 * The real path at which `user` may own a folder called `name` inside `directory`. Usually that is `directory/name`. If the user cannot enter
 * `directory`, the folder lies under /var/lib/affexai-sandbox and `directory/name` is a link to it; nobody's permissions are changed.
 * The folder itself may not exist yet; its parent does.
 */
export async function dataPath(directory: string, name: string, user: User | undefined): Promise<string> {
  await mkdir(directory, { recursive: true });
  const here = join(await realpath(directory), name);
  if (user === undefined) return here;
  if ((await readlink(here).catch(() => null)) === null) {
    if ((await exists(here)) || (await canEnter(user, directory))) return here;
    await removeOrphans();
    // The link comes first: data without a link would count as an orphan.
    await symlink(join(homeOf(here), name), here);
  }
  const there = await readlink(here);
  await mkdir(dirname(there), { recursive: true });
  await writeFile(join(dirname(there), "linked-from"), here);
  return there;
}

function homeOf(link: string): string {
  return join(elsewhere, createHash("sha256").update(link).digest("hex").slice(0, 16));
}

/** Removes relocated data whose state folder is gone: nothing points at it any more. */
async function removeOrphans(): Promise<void> {
  for (const entry of await readdir(elsewhere).catch(() => [])) {
    const home = join(elsewhere, entry);
    const from = await readFile(join(home, "linked-from"), "utf8").catch(() => null);
    if (from === null) continue;
    const target = await readlink(from).catch(() => null);
    if (target === null || dirname(target) !== home) await rm(home, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
