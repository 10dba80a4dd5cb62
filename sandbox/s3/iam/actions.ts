import type { XmlTree } from "../xml.ts";
import { createAccessKey, deleteAccessKey, listAccessKeys, updateAccessKey } from "./access-keys.ts";
import { userArn, type Accounts } from "./accounts.ts";
import { accountId, type Principal } from "./principal.ts";
import type { Form } from "./form.ts";
import { deleteUserPolicy, getUserPolicy, listUserPolicies, putUserPolicy } from "./user-policies.ts";
import { createUser, deleteUser, getUser, listNothing, listUsers, listUserTags, tagUser, untagUser } from "./users.ts";

/** Carries out one action; what it returns is the content of its `…Result`, undefined for the actions that have none. */
export type Action = (accounts: Accounts, form: Form, caller: Principal) => Promise<XmlTree | undefined>;

/** Every action of IAM that is answered here, by its name in the IAM API Reference. */
export const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["CreateUser", createUser],
  ["GetUser", getUser],
  ["DeleteUser", deleteUser],
  ["ListUsers", listUsers],
  ["TagUser", tagUser],
  ["UntagUser", untagUser],
  ["ListUserTags", listUserTags],
  ["PutUserPolicy", putUserPolicy],
  ["GetUserPolicy", getUserPolicy],
  ["DeleteUserPolicy", deleteUserPolicy],
  ["ListUserPolicies", listUserPolicies],
  ["CreateAccessKey", createAccessKey],
  ["UpdateAccessKey", updateAccessKey],
  ["DeleteAccessKey", deleteAccessKey],
  ["ListAccessKeys", listAccessKeys],
  ["ListAttachedUserPolicies", listNothing("AttachedPolicies")],
  ["ListGroupsForUser", listNothing("Groups")],
]);

/** The ARN that an action is about: the named user's, or the caller's own when none is named. */
export function resourceOf(accounts: Accounts, caller: Principal, form: Form): string {
  const name = form.get("UserName") ?? (caller.kind === "user" ? caller.name : undefined);
  if (name === undefined) return `arn:aws:iam::${accountId}:user/`;
  return userArn(accounts.users.find((user) => user.name === name) ?? { name, path: form.get("Path") ?? "/" });
}
