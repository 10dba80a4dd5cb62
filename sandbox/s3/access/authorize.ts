import type { Call } from "../call.ts";
import { StorageError } from "../error.ts";
import { conditionKeysOf } from "./condition-keys.ts";
import { isAllowed } from "./evaluate.ts";

/** What is acted on: everything (`*`), a bucket, or a key in it, and the version when one is named. */
export interface Target {
  readonly bucket?: string;
  readonly key?: string;
  readonly versionId?: string;
}

/** True when the caller may do that to the target. */
export function mayDo(call: Call, action: string, target: Target): boolean {
  const bucket =
    target.bucket !== undefined && call.storage.has(target.bucket) ? call.storage.bucket(target.bucket) : null;
  const versions = bucket === null || target.key === undefined ? [] : bucket.versions(target.key);
  const version =
    target.versionId === undefined ? versions[0] : versions.find(({ versionId }) => versionId === target.versionId);
  return isAllowed({
    principal: call.principal,
    action,
    resource: arnOf(target),
    keys: conditionKeysOf(call, version?.kind === "object" ? version.tags : {}),
    bucketPolicy: bucket?.settings.policy,
    restrictPublic: bucket?.settings.publicAccessBlock?.RestrictPublicBuckets ?? false,
  });
}

/** Throws AccessDenied, worded as IAM does, when the caller may not. */
export function authorize(call: Call, action: string, target: Target): void {
  if (mayDo(call, action, target)) return;
  throw new StorageError(
    "AccessDenied",
    call.principal.kind === "user"
      ? `User: ${call.principal.arn} is not authorized to perform: ${action} on resource: "${arnOf(target)}"`
      : undefined,
  );
}

function arnOf({ bucket, key }: Target): string {
  if (bucket === undefined) return "*";
  return key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}
