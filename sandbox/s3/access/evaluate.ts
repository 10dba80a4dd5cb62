import { accountId, type Principal } from "../iam/principal.ts";
import { conditionsHold, type ConditionKeys } from "./conditions.ts";
import { readPolicy, type Policy, type Statement } from "./policy.ts";
import { fitsWildcard } from "./wildcard.ts";

/** One thing that somebody wants to do. */
export interface Wish {
  readonly principal: Principal;
  /** `s3:PutObject` */
  readonly action: string;
  readonly resource: string;
  readonly keys: ConditionKeys;
  /** The policy of the bucket that the resource is in. */
  readonly bucketPolicy: string | undefined;
  /** The bucket's block on public access: its policy then grants nothing to the public. */
  readonly restrictPublic: boolean;
}

/**
 * Decides as IAM does within one account: an explicit Deny wins, then any Allow of the user's inline policies or the bucket's
 * policy, else no. The root key may do all that a bucket's policy does not deny, and is never locked out of that policy itself
 * (S3 API Reference, PutBucketPolicy).
 */
export function isAllowed(wish: Wish): boolean {
  const isRoot = wish.principal.kind === "root";
  if (isRoot && /^s3:(Get|Put|Delete)BucketPolicy$/.test(wish.action)) return true;
  const identity = wish.principal.kind === "user" ? wish.principal.policies : [];
  const own = identity.flatMap((json) => statementsOf(readPolicy("identity", json)));
  const bucket = wish.bucketPolicy === undefined ? null : readPolicy("bucket", wish.bucketPolicy);
  const attached = statementsOf(bucket);
  const applies = (statement: Statement) => fits(statement, wish);
  const denied =
    own.some((statement) => statement.Effect === "Deny" && applies(statement)) ||
    attached.some(
      (statement) =>
        statement.Effect === "Deny" && namesPrincipal(statement, wish.principal, true) && applies(statement),
    );
  if (denied) return false;
  if (isRoot) return true;
  if (own.some((statement) => statement.Effect === "Allow" && applies(statement))) return true;
  if (wish.principal.kind === "anonymous" && wish.restrictPublic && bucket !== null && isPublic(bucket)) return false;
  return attached.some(
    (statement) =>
      statement.Effect === "Allow" && namesPrincipal(statement, wish.principal, false) && applies(statement),
  );
}

function statementsOf(policy: Policy | null): readonly Statement[] {
  return policy?.Statement ?? [];
}

function fits(statement: Statement, wish: Wish): boolean {
  const substitute = (text: string) => fillIn(text, wish.keys);
  const isAction = (pattern: string) => fitsWildcard(pattern.toLowerCase(), wish.action.toLowerCase());
  const isResource = (pattern: string) => fitsWildcard(substitute(pattern), wish.resource);
  const action = statement.Action?.some(isAction) ?? !(statement.NotAction ?? []).some(isAction);
  const resource = statement.Resource?.some(isResource) ?? !(statement.NotResource ?? []).some(isResource);
  return action && resource && conditionsHold(statement.Condition, wish.keys, substitute);
}

/** An account named in an Allow only lets its users be given the right by their own policies; in a Deny it means all of them. */
function namesPrincipal(statement: Statement, principal: Principal, accountCounts: boolean): boolean {
  const names = (set: Statement["Principal"]) =>
    set !== undefined &&
    "AWS" in set &&
    set.AWS.some(
      (name) =>
        name === "*" ||
        (principal.kind !== "anonymous" &&
          (name === principal.arn ||
            name === principal.userId ||
            (accountCounts && (name === accountId || name === `arn:aws:iam::${accountId}:root`)))),
    );
  return statement.Principal === undefined ? !names(statement.NotPrincipal) : names(statement.Principal);
}

/** Policy variables such as `${aws:username}`; one that the request does not have stays as it is, and fits nothing. */
function fillIn(text: string, keys: ConditionKeys): string {
  return text.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => keys.get(name.toLowerCase())?.[0] ?? whole);
}

/** Keys that tie a grant to known callers, so that it is not public (S3 User Guide, "The meaning of 'public'"). */
const limitingKeys = new Set([
  "aws:sourceip",
  "aws:sourcearn",
  "aws:sourceaccount",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:userid",
  "aws:principalarn",
  "aws:principalaccount",
  "aws:principalorgid",
]);

/** True when a bucket policy grants something to everybody. */
export function isPublic(policy: Policy): boolean {
  return policy.Statement.some((statement) => {
    const everybody =
      statement.NotPrincipal !== undefined ||
      (statement.Principal !== undefined && "AWS" in statement.Principal && statement.Principal.AWS.includes("*"));
    const limited = Object.values(statement.Condition).some((tests) =>
      Object.keys(tests).some((key) => limitingKeys.has(key.toLowerCase())),
    );
    return statement.Effect === "Allow" && everybody && !limited;
  });
}
