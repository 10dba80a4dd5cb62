import { readPolicy } from "../access/policy.ts";
import type { Action } from "./actions.ts";
import { QueryError } from "./error.ts";
import { required } from "./form.ts";
import { changeUser, namedUser } from "./users.ts";

export const putUserPolicy: Action = async (accounts, form, caller) => {
  const name = required(form, "PolicyName");
  const document = required(form, "PolicyDocument");
  if (readPolicy("identity", document) === null) {
    throw new QueryError(400, "MalformedPolicyDocument", "Syntax errors in policy.");
  }
  if (document.replaceAll(/\s/g, "").length > 2048) {
    throw new QueryError(409, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user");
  }
  await changeUser(accounts, form, caller, (user) => [
    { ...user, policies: { ...user.policies, [name]: document } },
    undefined,
  ]);
  return undefined;
};

/** The document comes percent-encoded (RFC 3986), as IAM sends it. */
export const getUserPolicy: Action = async (accounts, form, caller) => {
  const name = required(form, "PolicyName");
  const user = namedUser(accounts.users, form, caller);
  const document = user.policies[name];
  if (document === undefined) throw noPolicy(name);
  return { UserName: user.name, PolicyName: name, PolicyDocument: encodeURIComponent(document) };
};

export const deleteUserPolicy: Action = async (accounts, form, caller) => {
  const name = required(form, "PolicyName");
  await changeUser(accounts, form, caller, (user) => {
    const { [name]: removed, ...policies } = user.policies;
    if (removed === undefined) throw noPolicy(name);
    return [{ ...user, policies }, undefined];
  });
  return undefined;
};

export const listUserPolicies: Action = async (accounts, form, caller) => {
  const user = namedUser(accounts.users, form, caller);
  return { PolicyNames: { member: Object.keys(user.policies) }, IsTruncated: false };
};

function noPolicy(name: string): QueryError {
  return new QueryError(404, "NoSuchEntity", `The user policy with name ${name} cannot be found.`);
}
