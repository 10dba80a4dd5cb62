import { readFile } from "node:fs/promises";
import { execa } from "execa";

/** A user by numbers, as `spawn` takes it. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that a database server runs as: nobody else when we are not root, and otherwise the first of `names` that the machine knows, or
 * `nobody`. PostgreSQL refuses to run as root, and a server that needs no power should have none.
 */
export async function unprivilegedUser(names: readonly string[]): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = new Map(
    (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => [line.split(":", 1)[0], line]),
  );
  for (const name of [...names, "nobody"]) {
    const [, , uid, gid] = known.get(name)?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `/etc/passwd knows none of ${[...names, "nobody"].join(", ")}, and PostgreSQL refuses to run as root.`,
  );
}

/** Whether `user` may enter `directory`: asked of the operating system, which also knows access lists and read-only mounts. */
export async function canEnter(user: User, directory: string): Promise<boolean> {
  const { failed } = await execa("test", ["-x", directory], { ...user, cwd: "/", reject: false });
  return !failed;
}
