import { xmlAnswer, type Answer } from "../answer.ts";
import { encodeRfc3986 } from "../auth/canonical.ts";
import { bucketOf, type Call } from "../call.ts";
import { StorageError } from "../error.ts";
import { accountId } from "../iam/principal.ts";
import type { Bucket } from "../store/bucket.ts";
import { compareKeys } from "../store/key-order.ts";
import type { StoredObject } from "../store/version.ts";
import type { XmlTree } from "../xml.ts";

const maximumKeys = 1000;
export const owner = { ID: accountId, DisplayName: "sandbox" };

/** What listings of keys, versions and uploads have in common. */
export interface Frame {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  /** Encodes a key as `encoding-type=url` asks for. */
  readonly shown: (key: string) => string;
  readonly encodingType: string | undefined;
}

/** Reads prefix, delimiter, encoding and limit. Throws InvalidArgument. */
export function readFrame(call: Call, limitName: string): Frame {
  const encodingType = call.query.get("encoding-type");
  if (encodingType !== undefined && encodingType !== "url") {
    throw new StorageError("InvalidArgument", "Invalid Encoding Method specified in Request");
  }
  const limit = Number(call.query.get(limitName) ?? maximumKeys);
  if (!Number.isInteger(limit) || limit < 0) {
    throw new StorageError("InvalidArgument", `Argument ${limitName} must be an integer between 0 and 2147483647`);
  }
  return {
    prefix: call.query.get("prefix") ?? "",
    delimiter: call.query.get("delimiter") ?? "",
    limit: Math.min(limit, maximumKeys),
    shown: encodingType === undefined ? (key) => key : (key) => encodeRfc3986(key).replaceAll("%2F", "/"),
    encodingType,
  };
}

/** The part of a key up to the first delimiter behind the prefix; undefined when it stands for itself. */
export function commonPrefix(key: string, { prefix, delimiter }: Frame): string | undefined {
  if (delimiter === "") return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

interface Page {
  readonly objects: readonly (readonly [string, StoredObject])[];
  readonly prefixes: readonly string[];
  /** The last key or common prefix of a page that others follow. */
  readonly next: string | undefined;
}

/** One page of current objects and common prefixes behind `after`, in the order of their bytes. */
function page(bucket: Bucket, frame: Frame, after: string): Page {
  const objects: (readonly [string, StoredObject])[] = [];
  const prefixes: string[] = [];
  let last = after;
  for (const key of bucket.keys.startingAt(compareKeys(after, frame.prefix) > 0 ? after : frame.prefix)) {
    if (!key.startsWith(frame.prefix)) break;
    const current = bucket.versions(key)[0];
    if (key === after || current?.kind !== "object") continue;
    const group = commonPrefix(key, frame);
    // A page that ended with a common prefix is continued behind all the keys that it stands for.
    if (group !== undefined && (group === prefixes.at(-1) || group === after)) continue;
    if (objects.length + prefixes.length === frame.limit)
      return { objects, prefixes, next: frame.limit === 0 ? undefined : last };
    if (group === undefined) objects.push([key, current]);
    else prefixes.push(group);
    last = group ?? key;
  }
  return { objects, prefixes, next: undefined };
}

function contents({ objects }: Page, frame: Frame, withOwner: boolean): XmlTree[] {
  return objects.map(([key, object]) => ({
    Key: frame.shown(key),
    LastModified: object.lastModified,
    ETag: `"${object.etag}"`,
    ChecksumAlgorithm: object.checksum.algorithm,
    ChecksumType: object.checksum.type,
    Size: object.size,
    StorageClass: object.storageClass,
    Owner: withOwner ? owner : undefined,
  }));
}

function common(bucket: Bucket, frame: Frame, { next, prefixes }: Page): XmlTree {
  return {
    Name: bucket.name,
    Prefix: frame.shown(frame.prefix),
    Delimiter: frame.delimiter === "" ? undefined : frame.shown(frame.delimiter),
    EncodingType: frame.encodingType,
    MaxKeys: frame.limit,
    IsTruncated: next !== undefined,
    CommonPrefixes: prefixes.map((prefix) => ({ Prefix: frame.shown(prefix) })),
  };
}

/** ListObjectsV2. */
export function listObjectsV2(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const frame = readFrame(call, "max-keys");
  const token = call.query.get("continuation-token");
  const startAfter = call.query.get("start-after");
  const listed = page(bucket, frame, token === undefined ? (startAfter ?? "") : readToken(token));
  return Promise.resolve(
    xmlAnswer("ListBucketResult", {
      ...common(bucket, frame, listed),
      KeyCount: listed.objects.length + listed.prefixes.length,
      ContinuationToken: token,
      StartAfter: startAfter === undefined ? undefined : frame.shown(startAfter),
      NextContinuationToken: listed.next === undefined ? undefined : Buffer.from(listed.next).toString("base64url"),
      Contents: contents(listed, frame, call.query.get("fetch-owner") === "true"),
    }),
  );
}

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (token === "" || Buffer.from(text).toString("base64url") !== token) {
    throw new StorageError("InvalidArgument", "The continuation token provided is incorrect");
  }
  return text;
}

/** ListObjects, version 1. `NextMarker` comes only with a delimiter, as in S3. */
export function listObjects(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const frame = readFrame(call, "max-keys");
  const marker = call.query.get("marker") ?? "";
  const listed = page(bucket, frame, marker);
  return Promise.resolve(
    xmlAnswer("ListBucketResult", {
      ...common(bucket, frame, listed),
      Marker: frame.shown(marker),
      NextMarker: listed.next === undefined || frame.delimiter === "" ? undefined : frame.shown(listed.next),
      Contents: contents(listed, frame, true),
    }),
  );
}
