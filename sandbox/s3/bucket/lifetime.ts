import { z } from "zod";
import { noContent, xmlAnswer, type Answer } from "../answer.ts";
import { bucketNameOf, bucketOf, type Call } from "../call.ts";
import { StorageError } from "../error.ts";
import { owner } from "../object/list.ts";
import { newBucketFile } from "../store/bucket-file.ts";
import { parseXml } from "../xml.ts";

const CreateBucketConfiguration = z.strictObject({
  LocationConstraint: z.string().optional(),
  Tags: z.unknown().optional(),
});
const firstRegion = "us-east-1";

/** ListBuckets. */
export function listBuckets(call: Call): Promise<Answer> {
  const prefix = call.query.get("prefix") ?? "";
  const buckets = call.storage.all().filter(({ name }) => name.startsWith(prefix));
  return Promise.resolve(
    xmlAnswer("ListAllMyBucketsResult", {
      Owner: owner,
      Buckets: {
        Bucket: buckets.map(({ name, createdAt, region }) => ({
          Name: name,
          CreationDate: createdAt,
          BucketRegion: region,
        })),
      },
    }),
  );
}

/** CreateBucket. The region is the location constraint; without one us-east-1, which only requests signed for it may leave out. */
export async function createBucket(call: Call): Promise<Answer> {
  const name = bucketNameOf(call);
  if (!isBucketName(name)) throw new StorageError("InvalidBucketName", undefined, { elements: { BucketName: name } });
  const text = await call.payload.text();
  const constraint =
    text === "" ? undefined : parseXml("CreateBucketConfiguration", CreateBucketConfiguration, text).LocationConstraint;
  const signedFor = call.verified?.scope.region ?? firstRegion;
  if ((constraint ?? firstRegion) !== signedFor) throw new StorageError("IllegalLocationConstraintException");
  const ownership = call.headers.get("x-amz-object-ownership") ?? "BucketOwnerEnforced";
  if (ownership !== "BucketOwnerEnforced") {
    throw new StorageError("NotImplemented", "This object storage has no ACLs: only BucketOwnerEnforced is understood");
  }
  const acl = call.headers.get("x-amz-acl") ?? "private";
  if (acl !== "private") throw new StorageError("InvalidBucketAclWithObjectOwnership");
  const objectLock = call.headers.get("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true";
  await call.storage.create(newBucketFile(name, constraint ?? firstRegion, objectLock, call.now));
  return { status: 200, headers: { location: `/${name}` } };
}

/** S3 User Guide, "General purpose bucket naming rules". */
function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes("..") &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(-s3alias|--ol-s3|\.mrap|--x-s3)$/.test(name)
  );
}

/** HeadBucket. */
export function headBucket(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  return Promise.resolve({
    status: 200,
    headers: { "x-amz-bucket-region": bucket.region, "x-amz-access-point-alias": "false" },
  });
}

/** DeleteBucket. */
export async function deleteBucket(call: Call): Promise<Answer> {
  await call.storage.delete(bucketNameOf(call));
  return noContent;
}

/** GetBucketLocation: empty for us-east-1. */
export function getBucketLocation(call: Call): Promise<Answer> {
  const { region } = bucketOf(call);
  return Promise.resolve(xmlAnswer("LocationConstraint", region === firstRegion ? "" : region));
}

/** GetBucketAcl and GetObjectAcl: with ACLs off the owner controls everything, and that is all there is to say. */
export function getAcl(call: Call): Promise<Answer> {
  bucketOf(call);
  return Promise.resolve(
    xmlAnswer("AccessControlPolicy", {
      Owner: owner,
      AccessControlList: { Grant: { Grantee: owner, Permission: "FULL_CONTROL" } },
    }),
  );
}
