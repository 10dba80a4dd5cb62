/** A clause that moto 5.1.18 does not keep: what it does, and where S3's documentation says otherwise. */
export interface Difference {
  readonly moto: string;
  /** A page of the S3 API Reference unless it says otherwise. */
  readonly documentation: string;
}

const lockAnswers = { moto: "it answers AccessDenied with 400", documentation: "Error responses: AccessDenied is 403" };
const notVerified = { moto: "it stores the body without comparing", documentation: "PutObject: 400 BadDigest" };
const noMultipartChecksums = {
  moto: "it keeps no full-object and no SHA checksum of a multipart upload",
  documentation: "CompleteMultipartUpload: the answer holds the object's checksum and ChecksumType",
};

/** By the clause's title. In every one of them the clause, and the sandbox's object storage, follow the documentation. */
export const motoDiffers: Readonly<Record<string, Difference>> = {
  "refuses names that break the rules": {
    moto: "it takes capital letters",
    documentation: "S3 User Guide, General purpose bucket naming rules",
  },
  "encrypts new buckets with SSE-S3, and keeps another default": {
    moto: "a new bucket has no encryption",
    documentation: "GetBucketEncryption: all buckets have SSE-S3 by default",
  },
  "blocks public access and switches ACLs off in new buckets": {
    moto: "a new bucket has neither setting",
    documentation: "S3 User Guide, Creating a bucket: both are on by default since April 2023",
  },
  "refuses a lifecycle rule that does nothing": {
    moto: "it takes a rule without an action",
    documentation: "PutBucketLifecycleConfiguration: a rule has at least one action",
  },
  "refuses a body that is not what its checksum says, whatever the algorithm": notVerified,
  "refuses a body that is not what Content-MD5 says": notVerified,
  "tells the attributes that are asked for": {
    moto: "its Last-Modified is ISO 8601, which the SDK cannot read in a header",
    documentation: "GetObjectAttributes; RFC 9110, 8.8.2: an HTTP date",
  },
  "keeps what was there before versioning as version null, and replaces it while suspended": {
    moto: "it has no version null",
    documentation: "S3 User Guide, How S3 Versioning works: the existing object has version ID null",
  },
  "names the next marker in version 1 when keys are grouped": {
    moto: "it leaves NextMarker out",
    documentation: "ListObjects: NextMarker is returned if a delimiter is specified",
  },
  "refuses parts out of order": {
    moto: "it calls it EntityTooSmall or puts them together",
    documentation: "CompleteMultipartUpload: 400 InvalidPartOrder",
  },
  "refuses part numbers outside of 1 to 10000": {
    moto: "it calls it NoSuchUpload",
    documentation: "UploadPart: part numbers are 1 to 10,000",
  },
  "forgets an aborted upload and its parts": {
    moto: "it answers 500 to an upload that it does not know",
    documentation: "ListParts, CompleteMultipartUpload: 404 NoSuchUpload",
  },
  "takes no part for an aborted upload": {
    moto: "it answers 500 to an upload that it does not know",
    documentation: "UploadPart: 404 NoSuchUpload",
  },
  "gives a full-object CRC32 that is the CRC32 of the bytes": noMultipartChecksums,
  "gives a composite SHA-256 over the checksums of the parts": noMultipartChecksums,
  "takes a stream of unknown length through lib-storage": noMultipartChecksums,
  "refuses to complete what is not what the full-object checksum says": noMultipartChecksums,
  "wants the checksum of each part when the upload is composite": noMultipartChecksums,
  "refuses a full-object SHA-256, which cannot be had from parts": noMultipartChecksums,
  "locks only buckets that were made for it or are versioned": {
    moto: "it answers InvalidBucketState with 400",
    documentation: "Error responses: InvalidBucketState is 409",
  },
  "keeps a version under governance but for a permitted bypass": lockAnswers,
  "keeps a version under compliance from everybody": lockAnswers,
  "keeps a version under legal hold until it is lifted": lockAnswers,
  "shortens governance only with the bypass": {
    moto: "it shortens without the bypass",
    documentation: "PutObjectRetention; S3 User Guide, Locking objects with Object Lock",
  },
  "refuses a lock that is already over": {
    moto: "it takes a date in the past",
    documentation: "S3 User Guide, Managing object locks: the date must be in the future",
  },
};
