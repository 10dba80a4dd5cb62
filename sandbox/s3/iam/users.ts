import { randomBytes } from "node:crypto";
import type { XmlTree } from "../xml.ts";
import { userArn, type Accounts, type User } from "./accounts.ts";
import type { Action } from "./actions.ts";
import { QueryError } from "./error.ts";
import { readList, readTags, required, type Form } from "./form.ts";
import type { Principal } from "./principal.ts";

/** The user that a request names, or the caller when it names none. Throws NoSuchEntity. */
export function namedUser(users: readonly User[], form: Form, caller: Principal): User {
  const name = form.get("UserName") ?? (caller.kind === "user" ? caller.name : undefined);
  if (name === undefined)
    throw new QueryError(400, "ValidationError", "Must specify userName when calling with non-User credentials");
  const user = users.find((candidate) => candidate.name === name);
  if (user === undefined) throw new QueryError(404, "NoSuchEntity", `The user with name ${name} cannot be found.`);
  return user;
}

/** Replaces the named user by what `alter` makes of it, and returns its second result. */
export async function changeUser<T>(
  accounts: Accounts,
  form: Form,
  caller: Principal,
  alter: (user: User) => readonly [User, T],
): Promise<T> {
  return accounts.change((users) => {
    const user = namedUser(users, form, caller);
    const [altered, result] = alter(user);
    return { users: users.map((other) => (other === user ? altered : other)), result };
  });
}

function describe(user: User): XmlTree {
  return { Path: user.path, UserName: user.name, UserId: user.id, Arn: userArn(user), CreateDate: user.createdAt };
}

function tagList(user: User): XmlTree {
  return { member: Object.entries(user.tags).map(([Key, Value]) => ({ Key, Value })) };
}

/** AIDA and AKIA ids: a prefix and 16 characters of base 32. */
export function newId(prefix: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return prefix + [...randomBytes(16)].map((byte) => alphabet[byte % 32]).join("");
}

export const createUser: Action = async (accounts, form) => {
  const name = required(form, "UserName");
  const path = form.get("Path") ?? "/";
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
    throw new QueryError(
      400,
      "ValidationError",
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    );
  }
  if (!/^\/([\x21-\x7e]*\/)?$/.test(path))
    throw new QueryError(
      400,
      "ValidationError",
      "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  if (form.has("PermissionsBoundary"))
    throw new QueryError(501, "NotImplemented", "Permissions boundaries are not implemented here.");
  const user: User = {
    name,
    path,
    id: newId("AIDA"),
    createdAt: new Date().toISOString(),
    tags: readTags(form),
    policies: {},
    keys: [],
  };
  await accounts.change((users) => {
    if (users.some((other) => other.name.toLowerCase() === name.toLowerCase())) {
      throw new QueryError(409, "EntityAlreadyExists", `User with name ${name} already exists.`);
    }
    return { users: [...users, user], result: undefined };
  });
  return { User: { ...describe(user), Tags: tagList(user) } };
};

export const getUser: Action = async (accounts, form, caller) => {
  if (caller.kind === "root" && !form.has("UserName")) {
    return { User: { Path: "/", UserId: caller.userId, Arn: caller.arn, CreateDate: "2026-01-01T00:00:00Z" } };
  }
  const user = namedUser(accounts.users, form, caller);
  return { User: { ...describe(user), Tags: tagList(user) } };
};

export const deleteUser: Action = async (accounts, form, caller) => {
  await accounts.change((users) => {
    const user = namedUser(users, form, caller);
    if (user.keys.length > 0) throw conflict("access keys");
    if (Object.keys(user.policies).length > 0) throw conflict("policies");
    return { users: users.filter((other) => other !== user), result: undefined };
  });
  return undefined;
};

function conflict(what: string): QueryError {
  return new QueryError(409, "DeleteConflict", `Cannot delete entity, must delete ${what} first.`);
}

export const listUsers: Action = async (accounts, form) => {
  const prefix = form.get("PathPrefix") ?? "/";
  const users = accounts.users.filter(({ path }) => path.startsWith(prefix));
  return { Users: { member: users.map(describe) }, IsTruncated: false };
};

export const tagUser: Action = async (accounts, form, caller) => {
  const tags = readTags(form);
  await changeUser(accounts, form, caller, (user) => [{ ...user, tags: { ...user.tags, ...tags } }, undefined]);
  return undefined;
};

export const untagUser: Action = async (accounts, form, caller) => {
  const keys = readList(form, "TagKeys");
  await changeUser(accounts, form, caller, (user) => [
    { ...user, tags: Object.fromEntries(Object.entries(user.tags).filter(([name]) => !keys.includes(name))) },
    undefined,
  ]);
  return undefined;
};

export const listUserTags: Action = async (accounts, form, caller) => {
  return { Tags: tagList(namedUser(accounts.users, form, caller)), IsTruncated: false };
};

/** Groups and managed policies do not exist here, so no user has any. */
export function listNothing(element: string): Action {
  return async (accounts, form, caller) => {
    namedUser(accounts.users, form, caller);
    return { [element]: "", IsTruncated: false };
  };
}
