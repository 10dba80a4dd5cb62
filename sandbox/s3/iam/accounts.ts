import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeDurably } from "../store/files.ts";
import { NamedLock } from "../store/lock.ts";
import { accountId, rootPrincipal, type Principal } from "./principal.ts";

const AccessKey = z.object({
  id: z.string(),
  secret: z.string(),
  status: z.enum(["Active", "Inactive"]),
  createdAt: z.iso.datetime(),
});

const User = z.object({
  name: z.string(),
  path: z.string(),
  /** `AIDA…`: unlike the name it is never used twice. */
  id: z.string(),
  createdAt: z.iso.datetime(),
  tags: z.record(z.string(), z.string()),
  /** Inline policies: JSON by name. */
  policies: z.record(z.string(), z.string()),
  keys: z.array(AccessKey),
});
export type User = z.infer<typeof User>;

const AccountsFile = z.object({ users: z.array(User) });

/** Users, their inline policies and access keys, in the file `accounts.json`. */
export class Accounts {
  readonly #path: string;
  readonly #root: Principal;
  readonly #lock = new NamedLock();
  #users: readonly User[];

  private constructor(path: string, root: Principal, users: readonly User[]) {
    this.#path = path;
    this.#root = root;
    this.#users = users;
  }

  static async open(path: string, accessKeyId: string, secretAccessKey: string): Promise<Accounts> {
    await mkdir(dirname(path), { recursive: true });
    return new Accounts(path, rootPrincipal(accessKeyId, secretAccessKey), await readUsers(path));
  }

  get users(): readonly User[] {
    return this.#users;
  }

  /** The principal of an access key; undefined when it does not exist or is inactive. */
  find(accessKeyId: string): Principal | undefined {
    if (accessKeyId === this.#root.accessKeyId) return this.#root;
    const user = this.#users.find(({ keys }) => keys.some(({ id }) => id === accessKeyId));
    const key = user?.keys.find(({ id }) => id === accessKeyId);
    if (user === undefined || key?.status !== "Active") return undefined;
    return {
      kind: "user",
      arn: userArn(user),
      userId: user.id,
      name: user.name,
      tags: user.tags,
      policies: Object.values(user.policies),
      accessKeyId,
      secretAccessKey: key.secret,
    };
  }

  /** Replaces the users; what `decide` returned is on disk before the promise resolves. It may throw to leave them. */
  async change<T>(decide: (users: readonly User[]) => { users: readonly User[]; result: T }): Promise<T> {
    return this.#lock.hold("", async () => {
      const { users, result } = decide(this.#users);
      await writeDurably(this.#path, JSON.stringify({ users }));
      this.#users = users;
      return result;
    });
  }
}

export function userArn(user: Pick<User, "name" | "path">): string {
  return `arn:aws:iam::${accountId}:user${user.path}${user.name}`;
}

async function readUsers(path: string): Promise<readonly User[]> {
  try {
    return AccountsFile.parse(JSON.parse(await readFile(path, "utf8"))).users;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
