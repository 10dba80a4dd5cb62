import {
  GetObjectLockConfigurationCommand,
  S3ServiceException,
  type ObjectLockConfiguration,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { BackupStore } from "./backup-store.ts";

const dayMs = 86_400_000;

/** The writer may lock for whole days by the storage's clock, from when it is asked: this much less keeps clear of the difference. */
const marginMs = 300_000;

/** What a bucket does by itself to lock what is written; undefined when it has no object lock. */
export async function readLock(storage: S3Client, Bucket: string): Promise<ObjectLockConfiguration | undefined> {
  try {
    return (await storage.send(new GetObjectLockConfigurationCommand({ Bucket }))).ObjectLockConfiguration;
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === "ObjectLockConfigurationNotFoundError") return undefined;
    throw error;
  }
}

/** Until when to lock what is to be kept `days` days; null when the bucket's own default locks it as long. */
export async function lockBeyondDefault(
  store: BackupStore,
  days: number | undefined,
  now = new Date(),
): Promise<Date | null> {
  if (days === undefined) return null;
  const lock = await store.attempt("asking for the bucket's object lock", () =>
    readLock(store.storage, store.target.bucket),
  );
  const { Days = 0, Years = 0 } = lock?.Rule?.DefaultRetention ?? {};
  return days > Days + Years * 366 ? new Date(now.getTime() + days * dayMs - marginMs) : null;
}

/** The parameters of a write that lock what it writes. */
export function locked(until: Date | null) {
  return until === null ? {} : { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: until };
}
