import { z } from "zod";
import { mayDo } from "../access/authorize.ts";
import { noContent, xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { Version } from "../store/version.ts";
import { listOf, parseXml, type XmlTree } from "../xml.ts";
import { checkWriteConditions } from "./conditions.ts";
import { newVersionId, timeAfter, withoutReplaced } from "./put.ts";

/** What a deletion did: which version it removed, or the delete marker that it added. */
interface Deleted {
  readonly versionId: string | undefined;
  readonly marker: boolean;
}

const maximumKeysAtOnce = 1000;

/** DeleteObject: of a version, for good; else a delete marker where versions are kept. */
export async function deleteObject(call: Call): Promise<Answer> {
  const { versionId, marker } = await deleteKey(call, bucketOf(call), keyOf(call), call.query.get("versionId"));
  const headers = { "x-amz-version-id": versionId, "x-amz-delete-marker": marker ? "true" : undefined };
  return { ...noContent, headers };
}

async function deleteKey(call: Call, bucket: Bucket, key: string, versionId: string | undefined): Promise<Deleted> {
  return bucket.change<Deleted>(key, (versions) => {
    if (call.headers.has("if-match")) checkWriteConditions(call, versions[0]);
    if (versionId !== undefined) {
      const version = versions.find((item) => item.versionId === versionId);
      if (version !== undefined) refuseWhileLocked(call, bucket, key, version);
      return {
        versions: versions.filter((item) => item !== version),
        result: { versionId, marker: version?.kind === "marker" },
      };
    }
    if (bucket.settings.versioning.Status === undefined) {
      return { versions: [], result: { versionId: undefined, marker: false } };
    }
    const marker: Version = {
      kind: "marker",
      versionId: newVersionId(bucket),
      lastModified: timeAfter(versions),
    };
    return {
      versions: [marker, ...withoutReplaced(versions, marker)],
      result: { versionId: marker.versionId, marker: true },
    };
  });
}

/** Object Lock: a legal hold yields to nobody, compliance only to time, governance to a permitted bypass. */
function refuseWhileLocked(call: Call, bucket: Bucket, key: string, version: Version): void {
  if (version.kind === "marker") return;
  const { retention, legalHold } = version;
  const retained = retention !== undefined && Date.parse(retention.until) > call.now.getTime();
  const bypassed =
    retained && retention.mode === "GOVERNANCE" && mayBypassGovernance(call, bucket, key, version.versionId);
  if (legalHold === true || (retained && !bypassed)) {
    throw new StorageError("AccessDenied", "Access Denied because object protected by object lock.");
  }
}

/** True when the caller asks for the bypass and has the permission for it. */
export function mayBypassGovernance(call: Call, bucket: Bucket, key: string, versionId: string): boolean {
  const asked = call.headers.get("x-amz-bypass-governance-retention")?.toLowerCase() === "true";
  return asked && mayDo(call, "s3:BypassGovernanceRetention", { bucket: bucket.name, key, versionId });
}

const Delete = z.strictObject({
  Object: listOf(
    z.strictObject({
      Key: z.string().min(1),
      VersionId: z.string().optional(),
      ETag: z.string().optional(),
      LastModifiedTime: z.string().optional(),
      Size: z.string().optional(),
    }),
    { min: 1, max: maximumKeysAtOnce },
  ),
  Quiet: z.enum(["true", "false"]).optional(),
});

/** DeleteObjects: each key by its own permission, each with its own outcome. */
export async function deleteObjects(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  if (!call.payload.isProtected) {
    throw new StorageError(
      "InvalidRequest",
      "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    );
  }
  const request = parseXml("Delete", Delete, await call.payload.text());
  if (request.Object.some(({ ETag, LastModifiedTime, Size }) => (ETag ?? LastModifiedTime ?? Size) !== undefined)) {
    throw new StorageError("NotImplemented", "Conditions inside of DeleteObjects are not implemented");
  }
  const deleted: XmlTree[] = [];
  const failed: XmlTree[] = [];
  for (const { Key, VersionId } of request.Object) {
    try {
      const action = VersionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
      const target = { bucket: bucket.name, key: Key, ...(VersionId === undefined ? {} : { versionId: VersionId }) };
      if (!mayDo(call, action, target)) throw new StorageError("AccessDenied");
      const { versionId, marker } = await deleteKey(call, bucket, Key, VersionId);
      deleted.push({
        Key,
        VersionId,
        DeleteMarker: marker ? true : undefined,
        DeleteMarkerVersionId: marker ? versionId : undefined,
      });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      failed.push({ Key, VersionId, Code: error.code, Message: error.message });
    }
  }
  return xmlAnswer("DeleteResult", { Deleted: request.Quiet === "true" ? [] : deleted, Error: failed });
}
