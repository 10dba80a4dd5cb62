import assert from "node:assert/strict";
import { S3ServiceException } from "@aws-sdk/client-s3";

/**
 * Asserts that S3 refuses with this code and HTTP status, and returns the error. An answer without a body has no code: the SDK
 * calls a 404 `NotFound` then, and others `Unknown`.
 */
export async function refused(request: Promise<unknown>, code: string, status: number): Promise<S3ServiceException> {
  const error: unknown = await request.then(
    () => assert.fail(`was carried out, but should have been refused with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof S3ServiceException, `refused with ${String(error)} instead of ${code}`);
  assert.deepEqual({ code: error.name, status: error.$metadata.httpStatusCode }, { code, status }, error.message);
  return error;
}
