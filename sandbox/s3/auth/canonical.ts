import { createHash, createHmac } from "node:crypto";

/** The parts of a request that a signature covers. */
export interface SignedRequest {
  readonly method: string;
  /** As sent, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Lower-case names; several values of one header joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Hex; for services that sign their body without naming its hash in a header. */
  readonly bodySha256?: string;
}

/** Date, region and service that a signature is bound to. */
export interface Scope {
  /** `20260131` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
export const emptySha256 = sha256("");

/** RFC 3986, as SigV4 wants it: everything but letters, digits and `-._~` is encoded. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The canonical request of Signature Version 4. S3 encodes the path once; the other services encode what is already encoded. */
export function canonicalRequest(
  request: SignedRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  service: string,
): string {
  const once = request.path
    .split("/")
    .map((segment) => encodeRfc3986(decodeSegment(segment)))
    .join("/");
  const path = service === "s3" ? once : once.split("/").map(encodeRfc3986).join("/");
  const query = request.query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encodeRfc3986(name), encodeRfc3986(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const headers = signedHeaders.map(
    (name) => `${name}:${(request.headers.get(name) ?? "").trim().replaceAll(/ +/g, " ")}\n`,
  );
  return [request.method, path, query, headers.join(""), signedHeaders.join(";"), payloadHash].join("\n");
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // Not valid percent-encoding: the signature of what was sent cannot match, which is the right answer.
  }
}

/** `20260131/eu-central-1/s3/aws4_request` */
export function scopeText(scope: Scope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** The key that signs within a scope, derived from the secret access key. */
export function signingKey(secretAccessKey: string, scope: Scope): Buffer {
  return [scope.date, scope.region, scope.service, "aws4_request"].reduce<Buffer>(
    (key, step) => createHmac("sha256", key).update(step).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
}

/** Signs a request, a chunk or a trailer: they differ in the first line and in what follows the scope. */
export function sign(key: Buffer, kind: string, timestamp: string, scope: Scope, rest: readonly string[]): string {
  const text = [kind, timestamp, scopeText(scope), ...rest].join("\n");
  return createHmac("sha256", key).update(text).digest("hex");
}
