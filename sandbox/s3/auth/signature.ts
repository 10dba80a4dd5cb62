import { timingSafeEqual } from "node:crypto";
import { StorageError } from "../error.ts";
import { canonicalRequest, scopeText, sha256, sign, signingKey, type Scope, type SignedRequest } from "./canonical.ts";

/** What is known of whoever sent a request, once its signature held. */
export interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request whose signature holds, with what the verification of its body still needs. */
export interface Verified<Who extends Identity> {
  readonly identity: Who;
  readonly scope: Scope;
  /** `20260131T101500Z` */
  readonly timestamp: string;
  /** The request's signature: the seed of the signatures of its chunks. */
  readonly signature: string;
  readonly key: Buffer;
  /** `x-amz-content-sha256`: a hex SHA-256, `UNSIGNED-PAYLOAD` or one of the `STREAMING-…` words. */
  readonly payloadHash: string;
  readonly presigned: boolean;
  /** Seconds since it was signed. */
  readonly ageSeconds: number;
}

interface Claim {
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  readonly payloadHash: string;
  /** Presigned requests only. */
  readonly expiresSeconds?: number;
}

const algorithm = "AWS4-HMAC-SHA256";
const maximumSkewSeconds = 15 * 60;
const maximumExpirySeconds = 7 * 24 * 3600;

/**
 * Verifies Signature Version 4, in the header or presigned in the query. Null for an anonymous request.
 * Throws InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied (expired) and the errors of a malformed claim.
 */
export function verifySignature<Who extends Identity>(
  request: SignedRequest,
  findKey: (accessKeyId: string) => Who | undefined,
  now: Date,
): Verified<Who> | null {
  const authorization = request.headers.get("authorization");
  const query = new Map(request.query);
  const presigned = query.has("X-Amz-Algorithm") || query.has("X-Amz-Signature");
  if (authorization === undefined && !presigned) return null;
  if (authorization !== undefined && presigned) {
    throw new StorageError(
      "InvalidArgument",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    );
  }
  const claim = authorization === undefined ? readQuery(query, request) : readHeader(authorization, request);
  const ageSeconds = checkTime(claim, now);
  const identity = findKey(claim.accessKeyId);
  if (identity === undefined) {
    throw new StorageError("InvalidAccessKeyId", undefined, { elements: { AWSAccessKeyId: claim.accessKeyId } });
  }
  checkSignedHeaders(claim, request);
  const key = signingKey(identity.secretAccessKey, claim.scope);
  const canonical = canonicalRequest(request, claim.signedHeaders, claim.payloadHash, claim.scope.service);
  const expected = sign(key, algorithm, claim.timestamp, claim.scope, [sha256(canonical)]);
  if (!equal(expected, claim.signature)) {
    throw new StorageError("SignatureDoesNotMatch", undefined, {
      elements: {
        AWSAccessKeyId: claim.accessKeyId,
        StringToSign: [algorithm, claim.timestamp, scopeText(claim.scope), sha256(canonical)].join("\n"),
        SignatureProvided: claim.signature,
        CanonicalRequest: canonical,
      },
    });
  }
  return {
    identity,
    scope: claim.scope,
    timestamp: claim.timestamp,
    signature: claim.signature,
    key,
    payloadHash: claim.payloadHash,
    presigned: claim.expiresSeconds !== undefined,
    ageSeconds,
  };
}

/** Compares two signatures in constant time. */
export function equal(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function readHeader(authorization: string, request: SignedRequest): Claim {
  const [kind, ...rest] = authorization.split(" ");
  if (kind !== algorithm)
    throw new StorageError(
      "InvalidRequest",
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
  const fields = new Map(
    rest
      .join("")
      .split(",")
      .map((field) => field.split("=", 2) as [string, string]),
  );
  const signature = fields.get("Signature");
  const signedHeaders = fields.get("SignedHeaders");
  const credential = readCredential(fields.get("Credential"));
  if (signature === undefined || signedHeaders === undefined || credential === null) {
    throw new StorageError("AuthorizationHeaderMalformed");
  }
  const timestamp = request.headers.get("x-amz-date");
  if (timestamp === undefined) {
    throw new StorageError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  }
  const payloadHash = request.headers.get("x-amz-content-sha256");
  if (payloadHash === undefined && credential.scope.service === "s3") {
    throw new StorageError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  return {
    ...credential,
    signature,
    signedHeaders: signedHeaders.split(";"),
    timestamp,
    payloadHash: payloadHash ?? request.bodySha256 ?? "",
  };
}

function readQuery(query: ReadonlyMap<string, string>, request: SignedRequest): Claim {
  const field = (name: string) => {
    const value = query.get(`X-Amz-${name}`);
    if (value !== undefined) return value;
    throw new StorageError(
      "AuthorizationQueryParametersError",
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  };
  const credential = readCredential(field("Credential"));
  const expiresSeconds = Number(field("Expires"));
  if (field("Algorithm") !== algorithm || credential === null)
    throw new StorageError("AuthorizationQueryParametersError");
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > maximumExpirySeconds) {
    throw new StorageError("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds");
  }
  return {
    ...credential,
    signature: field("Signature"),
    signedHeaders: field("SignedHeaders").split(";"),
    timestamp: field("Date"),
    payloadHash: query.get("X-Amz-Content-Sha256") ?? request.headers.get("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD",
    expiresSeconds,
  };
}

function readCredential(text: string | undefined): { accessKeyId: string; scope: Scope } | null {
  const match = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(text ?? "");
  if (match === null) return null;
  const [, accessKeyId = "", date = "", region = "", service = ""] = match;
  return { accessKeyId, scope: { date, region, service } };
}

/** Seconds since the request was signed. */
function checkTime(claim: Claim, now: Date): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.timestamp);
  if (match === null || !claim.timestamp.startsWith(claim.scope.date)) {
    throw new StorageError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  }
  const [, year, month, day, hour, minute, second] = match;
  const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const ageSeconds = (now.getTime() - signed) / 1000;
  if (claim.expiresSeconds !== undefined) {
    if (ageSeconds > claim.expiresSeconds) {
      throw new StorageError("AccessDenied", "Request has expired", {
        elements: {
          "X-Amz-Expires": String(claim.expiresSeconds),
          Expires: new Date(signed + claim.expiresSeconds * 1000).toISOString(),
          ServerTime: now.toISOString(),
        },
      });
    }
    if (ageSeconds < -maximumSkewSeconds) throw new StorageError("AccessDenied", "Request is not valid yet");
    return ageSeconds;
  }
  if (Math.abs(ageSeconds) > maximumSkewSeconds) {
    throw new StorageError("RequestTimeTooSkewed", undefined, {
      elements: { RequestTime: claim.timestamp, ServerTime: now.toISOString() },
    });
  }
  return ageSeconds;
}

/** The host and every `x-amz-` header must be signed, or somebody on the way could add one. */
function checkSignedHeaders(claim: Claim, request: SignedRequest): void {
  const unsigned = [...request.headers.keys()].filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !claim.signedHeaders.includes(name),
  );
  if (claim.scope.service !== "s3" || unsigned.length === 0) return;
  throw new StorageError("AccessDenied", "There were headers present in the request which were not signed", {
    elements: { HeadersNotSigned: unsigned.join(", ") },
  });
}
