import { StorageError } from "./error.ts";

/** What a request's line and host address. */
export interface Address {
  /** Percent-encoded, as sent. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/** Host names whose labels in front name a bucket: `uploads.s3.sandbox.localhost:7302`. Others use the path. */
const virtualHostSuffix = ".s3.sandbox.localhost";
const maximumKeyBytes = 1024;

/** Reads bucket, key and query. Throws InvalidArgument for broken encoding and KeyTooLongError. */
export function readAddress(target: string, host: string): Address {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query =
    mark < 0
      ? []
      : target
          .slice(mark + 1)
          .split("&")
          .filter((field) => field !== "")
          .map(readField);
  const hostname = host.replace(/:\d+$/, "");
  const named = hostname.endsWith(virtualHostSuffix) ? hostname.slice(0, -virtualHostSuffix.length) : undefined;
  const [bucket, rest] = named === undefined ? splitPath(path) : [named, path.slice(1)];
  const key = rest === undefined || rest === "" ? undefined : decode(rest);
  if (key !== undefined && Buffer.byteLength(key) > maximumKeyBytes) throw new StorageError("KeyTooLongError");
  return { path, query, bucket: bucket === "" ? undefined : decode(bucket), key };
}

function splitPath(path: string): [string, string | undefined] {
  const slash = path.indexOf("/", 1);
  return slash < 0 ? [path.slice(1), undefined] : [path.slice(1, slash), path.slice(slash + 1)];
}

function readField(field: string): readonly [string, string] {
  const equals = field.indexOf("=");
  if (equals < 0) return [decode(field), ""];
  return [decode(field.slice(0, equals)), decode(field.slice(equals + 1).replaceAll("+", " "))];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StorageError("InvalidArgument", "Couldn't parse the specified URI.");
  }
}
