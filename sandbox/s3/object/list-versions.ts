import { xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import { compareKeys } from "../store/key-order.ts";
import type { Version } from "../store/version.ts";
import type { XmlTree } from "../xml.ts";
import { commonPrefix, owner, readFrame, type Frame } from "./list.ts";

interface Place {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** ListObjectVersions: every version and delete marker, by key and then newest first. */
export function listObjectVersions(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const frame = readFrame(call, "max-keys");
  const keyMarker = call.query.get("key-marker") ?? "";
  const versionMarker = call.query.get("version-id-marker");
  if (versionMarker !== undefined && keyMarker === "") {
    throw new StorageError("InvalidArgument", "A version-id marker cannot be specified without a key marker.");
  }
  const versions: XmlTree[] = [];
  const markers: XmlTree[] = [];
  const prefixes: string[] = [];
  let last: Place = { key: keyMarker, versionId: versionMarker };
  let next: Place | undefined;
  for (const entry of entries(bucket, frame, keyMarker, versionMarker)) {
    if (entry.group !== undefined && (entry.group === prefixes.at(-1) || entry.group === keyMarker)) continue;
    if (versions.length + markers.length + prefixes.length === frame.limit) {
      next = frame.limit === 0 ? undefined : last;
      break;
    }
    if (entry.group !== undefined) prefixes.push(entry.group);
    else if (entry.version.kind === "marker") markers.push(describe(entry, frame));
    else versions.push(describe(entry, frame));
    last =
      entry.group === undefined
        ? { key: entry.key, versionId: entry.version.versionId }
        : { key: entry.group, versionId: undefined };
  }
  return Promise.resolve(
    xmlAnswer("ListVersionsResult", {
      Name: bucket.name,
      Prefix: frame.shown(frame.prefix),
      KeyMarker: frame.shown(keyMarker),
      VersionIdMarker: versionMarker ?? "",
      NextKeyMarker: next === undefined ? undefined : frame.shown(next.key),
      NextVersionIdMarker: next?.versionId,
      MaxKeys: frame.limit,
      Delimiter: frame.delimiter === "" ? undefined : frame.shown(frame.delimiter),
      EncodingType: frame.encodingType,
      IsTruncated: next !== undefined,
      Version: versions,
      DeleteMarker: markers,
      CommonPrefixes: prefixes.map((prefix) => ({ Prefix: frame.shown(prefix) })),
    }),
  );
}

interface Entry {
  readonly key: string;
  readonly version: Version;
  readonly isLatest: boolean;
  readonly group: string | undefined;
}

function* entries(
  bucket: Bucket,
  frame: Frame,
  keyMarker: string,
  versionMarker: string | undefined,
): Generator<Entry, void, undefined> {
  for (const key of bucket.keys.startingAt(compareKeys(keyMarker, frame.prefix) > 0 ? keyMarker : frame.prefix)) {
    if (!key.startsWith(frame.prefix)) return;
    if (key === keyMarker && versionMarker === undefined) continue;
    const versions = bucket.versions(key);
    const from = key === keyMarker ? versions.findIndex(({ versionId }) => versionId === versionMarker) + 1 : 0;
    for (const [index, version] of versions.entries()) {
      if (index >= from) yield { key, version, isLatest: index === 0, group: commonPrefix(key, frame) };
    }
  }
}

function describe({ key, version, isLatest }: Entry, frame: Frame): XmlTree {
  const place = {
    Key: frame.shown(key),
    VersionId: version.versionId,
    IsLatest: isLatest,
    LastModified: version.lastModified,
    Owner: owner,
  };
  if (version.kind === "marker") return place;
  return {
    ...place,
    ETag: `"${version.etag}"`,
    ChecksumAlgorithm: version.checksum.algorithm,
    ChecksumType: version.checksum.type,
    Size: version.size,
    StorageClass: version.storageClass,
  };
}
