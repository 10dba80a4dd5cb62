import type { Call } from "../call.ts";
import { accountId } from "../iam/principal.ts";
import type { ConditionKeys } from "./conditions.ts";

/** Condition keys that are a header or a query parameter by another name (Service Authorization Reference, "Amazon S3"). */
const fromHeaders: Readonly<Record<string, string>> = {
  "s3:x-amz-acl": "x-amz-acl",
  "s3:x-amz-content-sha256": "x-amz-content-sha256",
  "s3:x-amz-copy-source": "x-amz-copy-source",
  "s3:x-amz-metadata-directive": "x-amz-metadata-directive",
  "s3:x-amz-server-side-encryption": "x-amz-server-side-encryption",
  "s3:x-amz-server-side-encryption-aws-kms-key-id": "x-amz-server-side-encryption-aws-kms-key-id",
  "s3:x-amz-storage-class": "x-amz-storage-class",
  "s3:object-lock-mode": "x-amz-object-lock-mode",
  "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
  "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold",
  "s3:if-none-match": "if-none-match",
  "s3:if-match": "if-match",
  "aws:useragent": "user-agent",
  "aws:referer": "referer",
};
const fromQuery: Readonly<Record<string, string>> = {
  "s3:prefix": "prefix",
  "s3:delimiter": "delimiter",
  "s3:max-keys": "max-keys",
  "s3:versionid": "versionId",
};

/** The condition keys of a request. `objectTags` are those of the object that it addresses. */
export function conditionKeysOf(call: Call, objectTags: Readonly<Record<string, string>> = {}): ConditionKeys {
  const keys = new Map<string, string[]>();
  const set = (key: string, value: string | undefined) => {
    if (value !== undefined) keys.set(key.toLowerCase(), [value]);
  };
  for (const [key, header] of Object.entries(fromHeaders)) set(key, call.headers.get(header));
  for (const [key, parameter] of Object.entries(fromQuery)) set(key, call.query.get(parameter));
  set("aws:SecureTransport", String(call.secureTransport));
  set("aws:SourceIp", call.sourceIp);
  set("aws:CurrentTime", call.now.toISOString());
  set("aws:EpochTime", String(Math.floor(call.now.getTime() / 1000)));
  set("aws:RequestedRegion", call.verified?.scope.region);
  set("s3:ResourceAccount", accountId);
  set("aws:ResourceAccount", accountId);
  set("s3:object-lock-remaining-retention-days", remainingDays(call));
  set("s3:ObjectCreationOperation", String(createsObject(call)));
  setPrincipal(call, set);
  if (call.verified !== null) {
    set("s3:signatureversion", "AWS4-HMAC-SHA256");
    set("s3:authType", call.verified.presigned ? "REST-QUERY-STRING" : "REST-HEADER");
    set("s3:signatureAge", String(Math.round(call.verified.ageSeconds * 1000)));
  }
  const requested = [...new URLSearchParams(call.headers.get("x-amz-tagging") ?? "")];
  for (const [name, value] of requested) set(`s3:RequestObjectTag/${name}`, value);
  if (requested.length > 0)
    keys.set(
      "s3:requestobjecttagkeys",
      requested.map(([name]) => name),
    );
  for (const [name, value] of Object.entries(objectTags)) set(`s3:ExistingObjectTag/${name}`, value);
  return keys;
}

function setPrincipal({ principal }: Call, set: (key: string, value: string | undefined) => void): void {
  set("aws:userid", principal.userId);
  set("aws:PrincipalType", principal.kind === "user" ? "User" : principal.kind === "root" ? "Account" : "Anonymous");
  if (principal.kind === "anonymous") return;
  set("aws:PrincipalArn", principal.arn);
  set("aws:PrincipalAccount", accountId);
  if (principal.kind !== "user") return;
  set("aws:username", principal.name);
  for (const [name, value] of Object.entries(principal.tags)) set(`aws:PrincipalTag/${name}`, value);
}

/** PutObject, CopyObject and CompleteMultipartUpload; not what begins an upload or adds to it, which needs the same right. */
function createsObject({ method, query }: Call): boolean {
  return method === "PUT" ? !query.has("partNumber") : method === "POST" && query.has("uploadId");
}

function remainingDays(call: Call): string | undefined {
  const until = Date.parse(call.headers.get("x-amz-object-lock-retain-until-date") ?? "");
  if (Number.isNaN(until)) return undefined;
  return String(Math.ceil((until - call.now.getTime()) / 86_400_000));
}
