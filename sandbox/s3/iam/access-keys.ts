import { randomBytes } from "node:crypto";
import type { Action } from "./actions.ts";
import { QueryError } from "./error.ts";
import { required } from "./form.ts";
import { changeUser, namedUser, newId } from "./users.ts";

/** A user has at most two, so that one can be replaced by the other. */
const maximumKeys = 2;

export const createAccessKey: Action = async (accounts, form, caller) => {
  const key = {
    id: newId("AKIA"),
    secret: randomBytes(30).toString("base64"),
    status: "Active" as const,
    createdAt: new Date().toISOString(),
  };
  const name = await changeUser(accounts, form, caller, (user) => {
    if (user.keys.length >= maximumKeys) {
      throw new QueryError(409, "LimitExceeded", `Cannot exceed quota for AccessKeysPerUser: ${maximumKeys}`);
    }
    return [{ ...user, keys: [...user.keys, key] }, user.name];
  });
  return {
    AccessKey: {
      UserName: name,
      AccessKeyId: key.id,
      Status: key.status,
      SecretAccessKey: key.secret,
      CreateDate: key.createdAt,
    },
  };
};

export const updateAccessKey: Action = async (accounts, form, caller) => {
  const id = required(form, "AccessKeyId");
  const status = required(form, "Status");
  if (status !== "Active" && status !== "Inactive") {
    throw new QueryError(400, "ValidationError", "Status must be one of Active, Inactive");
  }
  await changeUser(accounts, form, caller, (user) => {
    if (!user.keys.some((key) => key.id === id)) throw noKey(id);
    return [{ ...user, keys: user.keys.map((key) => (key.id === id ? { ...key, status } : key)) }, undefined];
  });
  return undefined;
};

export const deleteAccessKey: Action = async (accounts, form, caller) => {
  const id = required(form, "AccessKeyId");
  await changeUser(accounts, form, caller, (user) => {
    if (!user.keys.some((key) => key.id === id)) throw noKey(id);
    return [{ ...user, keys: user.keys.filter((key) => key.id !== id) }, undefined];
  });
  return undefined;
};

export const listAccessKeys: Action = async (accounts, form, caller) => {
  const user = namedUser(accounts.users, form, caller);
  const keys = user.keys.map(({ id, status, createdAt }) => ({
    UserName: user.name,
    AccessKeyId: id,
    Status: status,
    CreateDate: createdAt,
  }));
  return { AccessKeyMetadata: { member: keys }, IsTruncated: false };
};

function noKey(id: string): QueryError {
  return new QueryError(404, "NoSuchEntity", `The Access Key with id ${id} cannot be found.`);
}
