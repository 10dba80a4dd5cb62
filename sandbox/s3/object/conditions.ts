import type { Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Version } from "../store/version.ts";

/**
 * Checks `If-Match` and `If-None-Match` of a write against the key's current version, inside the change of the key, so that of
 * several writers with `If-None-Match: *` exactly one succeeds. Throws PreconditionFailed, or NoSuchKey for If-Match on nothing.
 */
export function checkWriteConditions(call: Call, current: Version | undefined): void {
  const ifMatch = call.headers.get("if-match");
  const ifNoneMatch = call.headers.get("if-none-match");
  const existing = current?.kind === "object" ? current : undefined;
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") {
    throw new StorageError("NotImplemented", undefined, { elements: { Header: "If-None-Match" } });
  }
  if (ifNoneMatch === "*" && existing !== undefined) {
    throw new StorageError("PreconditionFailed", undefined, { elements: { Condition: "If-None-Match" } });
  }
  if (ifMatch === undefined) return;
  if (existing === undefined) throw new StorageError("NoSuchKey");
  if (!etagFits(ifMatch, existing.etag)) {
    throw new StorageError("PreconditionFailed", undefined, { elements: { Condition: "If-Match" } });
  }
}

interface ReadConditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly modifiedSince: string | undefined;
  readonly unmodifiedSince: string | undefined;
}

/** The conditions of a read, from its headers; of a copy with the prefix `x-amz-copy-source-`. */
export function readConditionsOf(call: Call, prefix = ""): ReadConditions {
  const header = (name: string) => call.headers.get(`${prefix}${name}`);
  return {
    match: header("if-match"),
    noneMatch: header("if-none-match"),
    modifiedSince: header("if-modified-since"),
    unmodifiedSince: header("if-unmodified-since"),
  };
}

/** Throws PreconditionFailed or NotModified. An ETag condition that holds overrules its date twin (RFC 9110, 13.2.2). */
export function checkReadConditions(
  conditions: ReadConditions,
  object: { readonly etag: string; readonly lastModified: string },
): void {
  const modified = Math.floor(Date.parse(object.lastModified) / 1000);
  const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);
  const { match, noneMatch, modifiedSince, unmodifiedSince } = conditions;
  const matches =
    match === undefined
      ? unmodifiedSince === undefined || modified <= seconds(unmodifiedSince)
      : etagFits(match, object.etag);
  if (!matches) {
    throw new StorageError("PreconditionFailed", undefined, {
      elements: { Condition: match === undefined ? "If-Unmodified-Since" : "If-Match" },
    });
  }
  const unchanged =
    noneMatch === undefined
      ? modifiedSince !== undefined && modified <= seconds(modifiedSince)
      : etagFits(noneMatch, object.etag);
  if (unchanged) throw new StorageError("NotModified", undefined, { headers: { etag: `"${object.etag}"` } });
}

function etagFits(header: string, etag: string): boolean {
  return header
    .split(",")
    .some((item) => item.trim() === "*" || item.trim().replace(/^W\//, "").replaceAll('"', "") === etag);
}
