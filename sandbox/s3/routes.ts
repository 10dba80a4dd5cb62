import type { Answer } from "./answer.ts";
import { deleteBucket, createBucket, getAcl, getBucketLocation, headBucket, listBuckets } from "./bucket/lifetime.ts";
import * as never from "./bucket/never-set.ts";
import * as settings from "./bucket/settings.ts";
import type { Call } from "./call.ts";
import { StorageError } from "./error.ts";
import { completeMultipartUpload } from "./object/complete.ts";
import { copyObject } from "./object/copy.ts";
import { deleteObject, deleteObjects } from "./object/delete.ts";
import { getObject, getObjectAttributes } from "./object/get.ts";
import { listMultipartUploads, listParts } from "./object/list-uploads.ts";
import { listObjectVersions } from "./object/list-versions.ts";
import { listObjects, listObjectsV2 } from "./object/list.ts";
import { getObjectLegalHold, getObjectRetention, putObjectLegalHold, putObjectRetention } from "./object/lock.ts";
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from "./object/multipart.ts";
import { putObject } from "./object/put.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object/tagging.ts";

/** One operation of the S3 API. */
export interface Route {
  /** The operation's name in the S3 API Reference. */
  readonly operation: string;
  readonly method: string;
  readonly level: "service" | "bucket" | "object";
  /** A query parameter that selects the operation, with its value when that counts. */
  readonly query?: string;
  /** A header that selects the operation. */
  readonly header?: string;
  /** What the caller must be allowed; null where the operation asks for each key. `…Version` is put in when a version is named. */
  readonly action: string | null;
  readonly handle: (call: Call) => Promise<Answer>;
}

type Handler = Route["handle"];
const bucket = (operation: string, method: string, query: string, action: string | null, handle: Handler): Route => ({
  operation,
  method,
  level: "bucket",
  action,
  handle,
  ...(query === "" ? {} : { query }),
});
const object = (operation: string, method: string, query: string, action: string | null, handle: Handler): Route => ({
  ...bucket(operation, method, query, action, handle),
  level: "object",
});

/** Every operation, those that a parameter selects before the plain ones. */
export const routes: readonly Route[] = [
  { operation: "ListBuckets", method: "GET", level: "service", action: "s3:ListAllMyBuckets", handle: listBuckets },

  bucket("GetBucketLocation", "GET", "location", "s3:GetBucketLocation", getBucketLocation),
  bucket("GetBucketAcl", "GET", "acl", "s3:GetBucketAcl", getAcl),
  bucket("GetBucketVersioning", "GET", "versioning", "s3:GetBucketVersioning", settings.getVersioning),
  bucket("PutBucketVersioning", "PUT", "versioning", "s3:PutBucketVersioning", settings.putVersioning),
  bucket("GetBucketEncryption", "GET", "encryption", "s3:GetEncryptionConfiguration", settings.getEncryption),
  bucket("PutBucketEncryption", "PUT", "encryption", "s3:PutEncryptionConfiguration", settings.putEncryption),
  bucket("DeleteBucketEncryption", "DELETE", "encryption", "s3:PutEncryptionConfiguration", settings.deleteEncryption),
  bucket("GetBucketLifecycleConfiguration", "GET", "lifecycle", "s3:GetLifecycleConfiguration", settings.getLifecycle),
  bucket("PutBucketLifecycleConfiguration", "PUT", "lifecycle", "s3:PutLifecycleConfiguration", settings.putLifecycle),
  bucket("DeleteBucketLifecycle", "DELETE", "lifecycle", "s3:PutLifecycleConfiguration", settings.deleteLifecycle),
  bucket(
    "GetPublicAccessBlock",
    "GET",
    "publicAccessBlock",
    "s3:GetBucketPublicAccessBlock",
    settings.getPublicAccessBlock,
  ),
  bucket(
    "PutPublicAccessBlock",
    "PUT",
    "publicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    settings.putPublicAccessBlock,
  ),
  bucket(
    "DeletePublicAccessBlock",
    "DELETE",
    "publicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    settings.deletePublicAccessBlock,
  ),
  bucket(
    "GetBucketOwnershipControls",
    "GET",
    "ownershipControls",
    "s3:GetBucketOwnershipControls",
    settings.getOwnershipControls,
  ),
  bucket(
    "PutBucketOwnershipControls",
    "PUT",
    "ownershipControls",
    "s3:PutBucketOwnershipControls",
    settings.putOwnershipControls,
  ),
  bucket(
    "DeleteBucketOwnershipControls",
    "DELETE",
    "ownershipControls",
    "s3:PutBucketOwnershipControls",
    settings.deleteOwnershipControls,
  ),
  bucket("GetBucketPolicy", "GET", "policy", "s3:GetBucketPolicy", settings.getPolicy),
  bucket("GetBucketPolicyStatus", "GET", "policyStatus", "s3:GetBucketPolicyStatus", settings.getPolicyStatus),
  bucket("PutBucketPolicy", "PUT", "policy", "s3:PutBucketPolicy", settings.putPolicy),
  bucket("DeleteBucketPolicy", "DELETE", "policy", "s3:DeleteBucketPolicy", settings.deletePolicy),
  bucket(
    "GetObjectLockConfiguration",
    "GET",
    "object-lock",
    "s3:GetBucketObjectLockConfiguration",
    settings.getObjectLock,
  ),
  bucket(
    "PutObjectLockConfiguration",
    "PUT",
    "object-lock",
    "s3:PutBucketObjectLockConfiguration",
    settings.putObjectLock,
  ),
  bucket("GetBucketCors", "GET", "cors", "s3:GetBucketCORS", settings.getCors),
  bucket("PutBucketCors", "PUT", "cors", "s3:PutBucketCORS", settings.putCors),
  bucket("DeleteBucketCors", "DELETE", "cors", "s3:PutBucketCORS", settings.deleteCors),
  bucket("GetBucketTagging", "GET", "tagging", "s3:GetBucketTagging", settings.getTagging),
  bucket("PutBucketTagging", "PUT", "tagging", "s3:PutBucketTagging", settings.putTagging),
  bucket("DeleteBucketTagging", "DELETE", "tagging", "s3:PutBucketTagging", settings.deleteTagging),
  bucket("GetBucketLogging", "GET", "logging", "s3:GetBucketLogging", never.getLogging),
  bucket(
    "GetBucketNotificationConfiguration",
    "GET",
    "notification",
    "s3:GetBucketNotification",
    never.getNotification,
  ),
  bucket("GetBucketAccelerateConfiguration", "GET", "accelerate", "s3:GetAccelerateConfiguration", never.getAccelerate),
  bucket("GetBucketRequestPayment", "GET", "requestPayment", "s3:GetBucketRequestPayment", never.getRequestPayment),
  bucket("GetBucketWebsite", "GET", "website", "s3:GetBucketWebsite", never.getWebsite),
  bucket("GetBucketReplication", "GET", "replication", "s3:GetReplicationConfiguration", never.getReplication),
  bucket("ListObjectVersions", "GET", "versions", "s3:ListBucketVersions", listObjectVersions),
  bucket("ListMultipartUploads", "GET", "uploads", "s3:ListBucketMultipartUploads", listMultipartUploads),
  bucket("ListObjectsV2", "GET", "list-type=2", "s3:ListBucket", listObjectsV2),
  bucket("DeleteObjects", "POST", "delete", null, deleteObjects),
  bucket("CreateBucket", "PUT", "", "s3:CreateBucket", createBucket),
  bucket("HeadBucket", "HEAD", "", "s3:ListBucket", headBucket),
  bucket("DeleteBucket", "DELETE", "", "s3:DeleteBucket", deleteBucket),
  bucket("ListObjects", "GET", "", "s3:ListBucket", listObjects),

  object("ListParts", "GET", "uploadId", "s3:ListMultipartUploadParts", listParts),
  { ...object("UploadPartCopy", "PUT", "uploadId", "s3:PutObject", uploadPartCopy), header: "x-amz-copy-source" },
  object("UploadPart", "PUT", "uploadId", "s3:PutObject", uploadPart),
  object("CompleteMultipartUpload", "POST", "uploadId", "s3:PutObject", completeMultipartUpload),
  object("AbortMultipartUpload", "DELETE", "uploadId", "s3:AbortMultipartUpload", abortMultipartUpload),
  object("CreateMultipartUpload", "POST", "uploads", "s3:PutObject", createMultipartUpload),
  object("GetObjectRetention", "GET", "retention", "s3:GetObjectRetention", getObjectRetention),
  object("PutObjectRetention", "PUT", "retention", "s3:PutObjectRetention", putObjectRetention),
  object("GetObjectLegalHold", "GET", "legal-hold", "s3:GetObjectLegalHold", getObjectLegalHold),
  object("PutObjectLegalHold", "PUT", "legal-hold", "s3:PutObjectLegalHold", putObjectLegalHold),
  object("GetObjectTagging", "GET", "tagging", "s3:GetObject…Tagging", getObjectTagging),
  object("PutObjectTagging", "PUT", "tagging", "s3:PutObject…Tagging", putObjectTagging),
  object("DeleteObjectTagging", "DELETE", "tagging", "s3:DeleteObject…Tagging", deleteObjectTagging),
  object("GetObjectAttributes", "GET", "attributes", "s3:GetObject…Attributes", getObjectAttributes),
  object("GetObjectAcl", "GET", "acl", "s3:GetObject…Acl", getAcl),
  { ...object("CopyObject", "PUT", "", "s3:PutObject", copyObject), header: "x-amz-copy-source" },
  object("PutObject", "PUT", "", "s3:PutObject", putObject),
  object("HeadObject", "HEAD", "", "s3:GetObject…", getObject),
  object("GetObject", "GET", "", "s3:GetObject…", getObject),
  object("DeleteObject", "DELETE", "", "s3:DeleteObject…", deleteObject),
];

/** Sub-resources that S3 has: a request for one that is not in the table must not be taken for a plain one. */
const subResources = [
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "location",
  "logging",
  "metadataConfiguration",
  "metadataTable",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "rename",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "uploads",
  "versioning",
  "versions",
  "website",
];

/** Finds the operation. Throws NotImplemented for sub-resources and MethodNotAllowed for methods that it has not. */
export function findRoute(
  method: string,
  level: Route["level"],
  query: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, string>,
): Route {
  const route = routes.find(
    (candidate) =>
      candidate.method === method &&
      candidate.level === level &&
      selects(candidate.query, query) &&
      (candidate.header === undefined || headers.has(candidate.header)),
  );
  const foreign = subResources.find((name) => query.has(name) && route?.query !== name);
  if (foreign !== undefined) {
    throw new StorageError("NotImplemented", `This object storage does not implement ${method} ?${foreign}.`);
  }
  if (route === undefined) throw new StorageError("MethodNotAllowed", undefined, { elements: { Method: method } });
  return route;
}

function selects(selector: string | undefined, query: ReadonlyMap<string, string>): boolean {
  if (selector === undefined) return true;
  const [name = "", value] = selector.split("=", 2);
  return query.has(name) && (value === undefined || query.get(name) === value);
}
