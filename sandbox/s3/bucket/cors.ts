import type { Answer } from "../answer.ts";
import { StorageError } from "../error.ts";
import type { BucketSettings } from "../store/bucket-file.ts";
import { fitsWildcard } from "../access/wildcard.ts";

type Rule = NonNullable<BucketSettings["cors"]>["CORSRule"][number];

const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/** The answer to a browser's preflight (OPTIONS). Throws AccessDenied when no rule of the bucket allows it. */
export function preflight(headers: ReadonlyMap<string, string>, settings: BucketSettings | undefined): Answer {
  const origin = headers.get("origin");
  const method = headers.get("access-control-request-method");
  if (origin === undefined || method === undefined) {
    throw new StorageError("InvalidRequest", "Insufficient information. Origin request header needed.");
  }
  const wanted = (headers.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const rule = settings?.cors?.CORSRule.find((candidate) => allows(candidate, origin, method, wanted));
  if (rule === undefined) {
    throw new StorageError(
      "AccessDenied",
      settings?.cors === undefined
        ? "CORSResponse: CORS is not enabled for this bucket."
        : "CORSResponse: This CORS request is not allowed.",
    );
  }
  return {
    status: 200,
    headers: {
      ...allowance(rule, origin),
      "access-control-allow-headers": wanted.length === 0 ? undefined : wanted.join(", "),
      "access-control-max-age": rule.MaxAgeSeconds === undefined ? undefined : String(rule.MaxAgeSeconds),
    },
  };
}

/** Headers that let a browser read the answer to a request that carries an Origin. */
export function corsHeaders(
  headers: ReadonlyMap<string, string>,
  method: string,
  settings: BucketSettings | undefined,
): Record<string, string | undefined> {
  const origin = headers.get("origin");
  if (origin === undefined) return {};
  const rule = settings?.cors?.CORSRule.find((candidate) => allows(candidate, origin, method, []));
  return rule === undefined ? {} : allowance(rule, origin);
}

function allows(rule: Rule, origin: string, method: string, headers: readonly string[]): boolean {
  return (
    rule.AllowedMethod.some((allowed) => allowed === method) &&
    rule.AllowedOrigin.some((allowed) => fitsWildcard(allowed, origin)) &&
    headers.every((name) => rule.AllowedHeader.some((allowed) => fitsWildcard(allowed.toLowerCase(), name)))
  );
}

function allowance(rule: Rule, origin: string): Record<string, string | undefined> {
  const anybody = rule.AllowedOrigin.includes("*");
  return {
    "access-control-allow-origin": anybody ? "*" : origin,
    "access-control-allow-credentials": anybody ? undefined : "true",
    "access-control-allow-methods": rule.AllowedMethod.join(", "),
    "access-control-expose-headers": rule.ExposeHeader.length === 0 ? undefined : rule.ExposeHeader.join(", "),
    vary,
  };
}
