import type { Address } from "./address.ts";
import type { Verified } from "./auth/signature.ts";
import { StorageError } from "./error.ts";
import type { Accounts } from "./iam/accounts.ts";
import type { Principal } from "./iam/principal.ts";
import type { Payload } from "./payload.ts";
import type { Bucket } from "./store/bucket.ts";
import type { Storage } from "./store/storage.ts";

/** What the whole service shares. */
export interface Service {
  readonly storage: Storage;
  readonly accounts: Accounts;
  /** What the condition key `aws:SecureTransport` says. */
  readonly secureTransport: boolean;
}

/** One authenticated request, as the operations see it. */
export interface Call extends Service {
  readonly address: Address;
  readonly method: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly principal: Principal;
  readonly verified: Verified<Principal> | null;
  readonly payload: Payload;
  readonly sourceIp: string;
  readonly requestId: string;
  readonly now: Date;
}

/** The bucket that the request addresses. Throws NoSuchBucket. */
export function bucketOf(call: Call): Bucket {
  return call.storage.bucket(bucketNameOf(call));
}

export function bucketNameOf(call: Call): string {
  if (call.address.bucket === undefined) throw new StorageError("InvalidBucketName");
  return call.address.bucket;
}

/** The key that the request addresses. */
export function keyOf(call: Call): string {
  if (call.address.key === undefined) throw new StorageError("InvalidRequest", "A key must be specified");
  return call.address.key;
}
