import { NoSuchBucket, NoSuchKey, S3ServiceException } from "@aws-sdk/client-s3";
import { OperationError } from "../error.ts";

/** What a failure of the storage is to people. Errors that are worded already are passed on. */
export function storageFailure(bucket: string, doing: string, error: unknown): unknown {
  if (error instanceof OperationError) return error;
  const where = `bucket ${bucket}`;
  if (error instanceof NoSuchBucket) {
    return new OperationError(
      "refused",
      { where, what: "does not exist.", next: "Run `pulumi up`: BackupStorage makes it." },
      { cause: error },
    );
  }
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
    const status = error.$metadata.httpStatusCode;
    const next =
      status === 412
        ? "Backups are never overwritten; run again, which takes a new id."
        : error instanceof NoSuchKey || status === 404
          ? "The object is gone; choose another backup from `affexai backup list`."
          : "Check the rights of the credentials on the bucket and the storage's health, then run again.";
    return new OperationError(
      status === 403 || status === 401 ? "refused" : "failed",
      { where, what: `${doing} was answered with ${status} ${error.name}.`, next },
      { cause: error },
    );
  }
  return new OperationError(
    "unreachable",
    {
      where,
      what: `${doing} failed: ${error instanceof Error ? error.message : String(error)}.`,
      next: "Check AWS_ENDPOINT_URL and the network, then run again.",
    },
    { cause: error },
  );
}
