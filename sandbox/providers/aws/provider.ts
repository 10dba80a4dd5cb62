import type { Provider } from "../provider.ts";
import { bucket } from "./bucket.ts";
import {
  cors,
  encryption,
  objectLock,
  ownershipControls,
  policy,
  publicAccessBlock,
  versioning,
} from "./bucket-settings.ts";
import { Config, refuseRealAws } from "./clients.ts";
import { accessKey, user, userPolicy } from "./identities.ts";
import { lifecycle } from "./lifecycle.ts";

refuseRealAws();

/** S3 and IAM at AWS_ENDPOINT_URL, by the AWS SDK. */
export const aws: Provider = {
  config: Config,
  resources: {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": cors,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": objectLock,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownershipControls,
    "aws:s3/bucketPolicy:BucketPolicy": policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": publicAccessBlock,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
    "aws:s3/bucketVersioning:BucketVersioning": versioning,
    "aws:iam/accessKey:AccessKey": accessKey,
    "aws:iam/user:User": user,
    "aws:iam/userPolicy:UserPolicy": userPolicy,
  },
  functions: {},
};
