import { mayDo } from "../access/authorize.ts";
import type { Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { StoredObject } from "../store/version.ts";
import { versionHeader } from "./headers.ts";

/**
 * The object that a read is about: the current version, or the one named. Throws NoSuchKey, NoSuchVersion, MethodNotAllowed for a
 * delete marker by its id, and AccessDenied instead of NoSuchKey for who may not list: S3 does not tell them what exists.
 */
export function findObject(call: Call, bucket: Bucket, key: string, versionId: string | undefined): StoredObject {
  const versions = bucket.versions(key);
  const version = versionId === undefined ? versions[0] : versions.find((item) => item.versionId === versionId);
  if (version?.kind === "object") return version;
  if (version !== undefined) {
    const headers = { "x-amz-delete-marker": "true", ...definedOnly(versionHeader(bucket, version)) };
    if (versionId !== undefined) {
      throw new StorageError("MethodNotAllowed", undefined, {
        headers: { ...headers, allow: "DELETE", "last-modified": new Date(version.lastModified).toUTCString() },
      });
    }
    refuseToTell(call, bucket);
    throw new StorageError("NoSuchKey", undefined, { elements: { Key: key }, headers });
  }
  refuseToTell(call, bucket);
  if (versionId !== undefined) {
    throw new StorageError("NoSuchVersion", undefined, { elements: { Key: key, VersionId: versionId } });
  }
  throw new StorageError("NoSuchKey", undefined, { elements: { Key: key } });
}

function refuseToTell(call: Call, bucket: Bucket): void {
  if (!mayDo(call, "s3:ListBucket", { bucket: bucket.name })) throw new StorageError("AccessDenied");
}

function definedOnly(headers: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Replaces what is stored beside the bytes of the addressed version. Returns it as it is now. */
export async function alterObject(
  call: Call,
  bucket: Bucket,
  key: string,
  alter: (object: StoredObject) => StoredObject,
): Promise<StoredObject> {
  return bucket.change(key, (versions) => {
    const object = findObject(call, bucket, key, call.query.get("versionId"));
    const altered = alter(object);
    return { versions: versions.map((version) => (version === object ? altered : version)), result: altered };
  });
}
