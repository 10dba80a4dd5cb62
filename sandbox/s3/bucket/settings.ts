import { readPolicy } from "../access/policy.ts";
import { isPublic } from "../access/evaluate.ts";
import { noContent, ok, xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { StorageError, type ErrorCode } from "../error.ts";
import { checkedTags } from "../object/tags.ts";
import type { Bucket } from "../store/bucket.ts";
import { defaultEncryption, type BucketSettings } from "../store/bucket-file.ts";
import { parseXml, type XmlTree } from "../xml.ts";
import {
  Cors,
  Lifecycle,
  ObjectLock,
  OwnershipControls,
  PublicAccessBlock,
  ServerSideEncryption,
  Tagging,
  Versioning,
} from "./documents.ts";

const maximumBucketTags = 50;

/** Answers with a setting's document, or the error that S3 has for its absence. */
function get(root: string, read: (settings: BucketSettings) => XmlTree | undefined, absent: ErrorCode) {
  return (call: Call): Promise<Answer> => {
    const document = read(bucketOf(call).settings);
    if (document === undefined) {
      throw new StorageError(absent, undefined, { elements: { BucketName: bucketOf(call).name } });
    }
    return Promise.resolve(xmlAnswer(root, document));
  };
}

/** Removes a setting; removing what is not there succeeds. */
function remove(name: keyof BucketSettings) {
  return async (call: Call): Promise<Answer> => {
    await bucketOf(call).configure({ [name]: undefined });
    return noContent;
  };
}

export const getVersioning = get("VersioningConfiguration", (settings) => settings.versioning, "InternalError");
export const getEncryption = get(
  "ServerSideEncryptionConfiguration",
  (settings) => settings.encryption,
  "ServerSideEncryptionConfigurationNotFoundError",
);
export const getPublicAccessBlock = get(
  "PublicAccessBlockConfiguration",
  (settings) => settings.publicAccessBlock,
  "NoSuchPublicAccessBlockConfiguration",
);
export const getOwnershipControls = get(
  "OwnershipControls",
  (settings) => settings.ownershipControls,
  "OwnershipControlsNotFoundError",
);
export const getObjectLock = get(
  "ObjectLockConfiguration",
  (settings) => settings.objectLock,
  "ObjectLockConfigurationNotFoundError",
);
export const getCors = get("CORSConfiguration", (settings) => settings.cors, "NoSuchCORSConfiguration");
export const getTagging = get("Tagging", (settings) => settings.tagging, "NoSuchTagSet");

export const deletePublicAccessBlock = remove("publicAccessBlock");
export const deleteOwnershipControls = remove("ownershipControls");
export const deleteCors = remove("cors");
export const deleteTagging = remove("tagging");
export const deleteLifecycle = remove("lifecycle");
export const deletePolicy = remove("policy");

/** GetBucketLifecycleConfiguration. */
export function getLifecycle(call: Call): Promise<Answer> {
  const { lifecycle } = bucketOf(call).settings;
  if (lifecycle === undefined) throw new StorageError("NoSuchLifecycleConfiguration");
  const headers = { "x-amz-transition-default-minimum-object-size": "all_storage_classes_128K" };
  return Promise.resolve(xmlAnswer("LifecycleConfiguration", lifecycle, headers));
}

/** PutBucketVersioning. Refused while Object Lock needs the versions. */
export async function putVersioning(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const versioning = parseXml("VersioningConfiguration", Versioning, await call.payload.text());
  if (versioning.Status === undefined) throw new StorageError("IllegalVersioningConfigurationException");
  if (versioning.Status === "Suspended" && bucket.settings.objectLock !== undefined) {
    throw new StorageError(
      "InvalidBucketState",
      "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    );
  }
  await bucket.configure({ versioning });
  return ok;
}

/** PutBucketEncryption. */
export async function putEncryption(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const encryption = parseXml("ServerSideEncryptionConfiguration", ServerSideEncryption, await call.payload.text());
  await bucket.configure({ encryption });
  return ok;
}

/** DeleteBucketEncryption: back to SSE-S3, for S3 has no unencrypted buckets any more. */
export async function deleteEncryption(call: Call): Promise<Answer> {
  await bucketOf(call).configure({ encryption: defaultEncryption });
  return noContent;
}

/** PutBucketLifecycleConfiguration. Rules get ids where they have none; two of one id are refused. */
export async function putLifecycle(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const { Rule } = parseXml("LifecycleConfiguration", Lifecycle, await call.payload.text());
  const rules = Rule.map((rule, index) => ({ ...rule, ID: rule.ID ?? `rule-${index + 1}` }));
  if (new Set(rules.map(({ ID }) => ID)).size !== rules.length) {
    throw new StorageError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule");
  }
  for (const { Expiration } of rules) {
    if (Expiration?.Date !== undefined && !/T00:00:00(\.0+)?Z$/.test(Expiration.Date)) {
      throw new StorageError("InvalidArgument", "'Date' must be at midnight GMT");
    }
  }
  await bucket.configure({ lifecycle: { Rule: rules } });
  return { status: 200, headers: { "x-amz-transition-default-minimum-object-size": "all_storage_classes_128K" } };
}

/** PutPublicAccessBlock. */
export async function putPublicAccessBlock(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  await bucket.configure({
    publicAccessBlock: parseXml("PublicAccessBlockConfiguration", PublicAccessBlock, await call.payload.text()),
  });
  return ok;
}

/** PutBucketOwnershipControls. Only BucketOwnerEnforced: there are no ACLs here. */
export async function putOwnershipControls(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const ownershipControls = parseXml("OwnershipControls", OwnershipControls, await call.payload.text());
  if (ownershipControls.Rule.ObjectOwnership !== "BucketOwnerEnforced") {
    throw new StorageError("NotImplemented", "This object storage has no ACLs: only BucketOwnerEnforced is understood");
  }
  await bucket.configure({ ownershipControls });
  return ok;
}

/** PutObjectLockConfiguration. Needs versioning; once there, Object Lock cannot be taken away. */
export async function putObjectLock(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const objectLock = parseXml("ObjectLockConfiguration", ObjectLock, await call.payload.text());
  if (bucket.settings.versioning.Status !== "Enabled") {
    throw new StorageError(
      "InvalidBucketState",
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
  }
  await bucket.configure({ objectLock });
  return ok;
}

/** PutBucketCors. */
export async function putCors(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  await bucket.configure({ cors: parseXml("CORSConfiguration", Cors, await call.payload.text()) });
  return ok;
}

/** PutBucketTagging: replaces the whole set. */
export async function putTagging(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const tagging = parseXml("Tagging", Tagging, await call.payload.text());
  checkedTags(tagging.TagSet.Tag, maximumBucketTags);
  await bucket.configure({ tagging });
  return noContent;
}

/** GetBucketPolicy: JSON, as it was put. */
export function getPolicy(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  return Promise.resolve({ status: 200, headers: { "content-type": "application/json" }, body: policyOf(bucket) });
}

function policyOf(bucket: Bucket): string {
  const { policy } = bucket.settings;
  if (policy === undefined) {
    throw new StorageError("NoSuchBucketPolicy", undefined, { elements: { BucketName: bucket.name } });
  }
  return policy;
}

/** GetBucketPolicyStatus. */
export function getPolicyStatus(call: Call): Promise<Answer> {
  const policy = readPolicy("bucket", policyOf(bucketOf(call)));
  return Promise.resolve(xmlAnswer("PolicyStatus", { IsPublic: policy !== null && isPublic(policy) }));
}

/** PutBucketPolicy. Throws MalformedPolicy, and AccessDenied for a public policy on a bucket that blocks those. */
export async function putPolicy(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const text = await call.payload.text();
  const policy = readPolicy("bucket", text);
  if (policy === null)
    throw new StorageError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'");
  const arn = `arn:aws:s3:::${bucket.name}`;
  const users = new Set(call.accounts.users.map(({ name, path }) => `user${path}${name}`));
  for (const { Resource, NotResource, Principal, NotPrincipal } of policy.Statement) {
    const outside = [...(Resource ?? []), ...(NotResource ?? [])].some(
      (resource) => resource !== arn && !resource.startsWith(`${arn}/`) && resource !== `${arn}*`,
    );
    if (outside) throw new StorageError("MalformedPolicy", "Policy has invalid resource");
    for (const set of [Principal, NotPrincipal]) {
      const names = set !== undefined && "AWS" in set ? set.AWS : [];
      const unknown = names.find(
        (name) => /^arn:aws:iam::\d+:user\//.test(name) && !users.has(name.split(":")[5] ?? ""),
      );
      if (unknown !== undefined) {
        throw new StorageError("MalformedPolicy", "Invalid principal in policy", {
          elements: { Detail: `"AWS" : "${unknown}"` },
        });
      }
    }
  }
  if (bucket.settings.publicAccessBlock?.BlockPublicPolicy === true && isPublic(policy)) {
    throw new StorageError(
      "AccessDenied",
      "User is not authorized to perform: s3:PutBucketPolicy because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
    );
  }
  await bucket.configure({ policy: text });
  return noContent;
}
