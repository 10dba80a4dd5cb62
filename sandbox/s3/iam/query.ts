import { isAllowed } from "../access/evaluate.ts";
import type { Address } from "../address.ts";
import type { Answer } from "../answer.ts";
import type { Verified } from "../auth/signature.ts";
import type { Service } from "../call.ts";
import { xmlDocument, type XmlTree } from "../xml.ts";
import { actions, resourceOf } from "./actions.ts";
import { QueryError } from "./error.ts";
import { accountId, type Principal } from "./principal.ts";

const namespaces = {
  iam: "https://iam.amazonaws.com/doc/2010-05-08/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
};

/** IAM and STS speak the query protocol: a form posted to the root. S3 has nothing there. */
export function isQueryRequest(method: string, address: Address, headers: ReadonlyMap<string, string>): boolean {
  return (
    method === "POST" &&
    address.path === "/" &&
    (headers.get("content-type") ?? "").startsWith("application/x-www-form-urlencoded")
  );
}

/** Carries out one action of IAM or STS and answers in their XML, errors included. */
export async function answerQuery(
  service: Service,
  verified: Verified<Principal> | null,
  body: string,
  requestId: string,
): Promise<Answer> {
  const form = new Map(new URLSearchParams(body));
  const action = form.get("Action") ?? "";
  const namespace = namespaces[action === "GetCallerIdentity" ? "sts" : "iam"];
  try {
    if (verified === null)
      throw new QueryError(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    const { identity } = verified;
    const result =
      action === "GetCallerIdentity" ? callerIdentity(identity) : await perform(service, identity, action, form);
    const content: XmlTree = {
      ...(result === undefined ? {} : { [`${action}Result`]: result }),
      ResponseMetadata: { RequestId: requestId },
    };
    return xml(200, xmlDocument(`${action}Response`, content, namespace));
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const content = { Error: { Type: "Sender", Code: error.code, Message: error.message }, RequestId: requestId };
    return xml(error.status, xmlDocument("ErrorResponse", content, namespace));
  }
}

function callerIdentity(identity: Principal): XmlTree {
  return { Arn: identity.arn, UserId: identity.userId, Account: accountId };
}

async function perform(
  service: Service,
  principal: Principal,
  name: string,
  form: ReadonlyMap<string, string>,
): Promise<XmlTree | undefined> {
  const action = actions.get(name);
  if (action === undefined) {
    throw new QueryError(400, "InvalidAction", `Could not find operation ${name} for version 2010-05-08`);
  }
  const resource = resourceOf(service.accounts, principal, form);
  const keys = new Map(principal.kind === "user" ? [["aws:username", [principal.name]]] : []);
  if (
    !isAllowed({ principal, action: `iam:${name}`, resource, keys, bucketPolicy: undefined, restrictPublic: false })
  ) {
    throw new QueryError(
      403,
      "AccessDenied",
      `User: ${principal.arn} is not authorized to perform: iam:${name} on resource: ${resource}`,
    );
  }
  return action(service.accounts, form, principal);
}

function xml(status: number, body: string): Answer {
  return { status, headers: { "content-type": "text/xml" }, body };
}
