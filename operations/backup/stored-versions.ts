import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3ServiceException,
  type ListMultipartUploadsCommandOutput,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { backupAddress, type BackupAddress, type BackupStore } from "./backup-store.ts";

/** Everything the bucket holds under one backup's id, deleted or not. */
export interface StoredBackup extends Pick<BackupAddress, "id" | "reason"> {
  /** Whether a manifest is there now: without one it is no backup. */
  readonly complete: boolean;
  readonly manifestKey: string;
  /** Versions and markers of deletion; manifests are last. */
  readonly versions: readonly { readonly key: string; readonly versionId: string; readonly isMarker: boolean }[];
  /** When the last of it was written, by the storage's clock. */
  readonly lastModified: Date;
}

/** All of an environment, oldest first, with whatever killed and pruning runs left. */
export async function storedBackups(store: BackupStore): Promise<StoredBackup[]> {
  const { bucket, environment } = store.target;
  const Prefix = `backups/${environment}/`;
  const backups = new Map<string, StoredBackup>();
  await store.attempt(`listing the versions in ${Prefix}`, async () => {
    for (let from: { KeyMarker?: string; VersionIdMarker?: string } | null = {}; from !== null;) {
      const page: ListObjectVersionsCommandOutput = await store.storage.send(
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...from }),
      );
      for (const version of page.Versions ?? []) add(backups, version, false);
      for (const marker of page.DeleteMarkers ?? []) add(backups, marker, true);
      const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
      from = IsTruncated === true ? { KeyMarker, VersionIdMarker } : null;
    }
  });
  return [...backups.values()].sort((one, other) => one.id.localeCompare(other.id));
}

/** As ListObjectVersions lists it. */
interface Listed {
  readonly Key?: string;
  readonly VersionId?: string;
  readonly IsLatest?: boolean;
  readonly LastModified?: Date;
}

function add(
  backups: Map<string, StoredBackup>,
  { Key = "", VersionId = "null", IsLatest = false, LastModified = new Date() }: Listed,
  isMarker: boolean,
): void {
  const address = backupAddress(Key);
  if (address === null) return;
  const { reason, id, file } = address;
  const folder = Key.slice(0, -file.length);
  const manifestKey = `${folder}manifest.json`;
  const known = backups.get(folder);
  const isManifest = file === "manifest.json";
  const version = { key: Key, versionId: VersionId, isMarker };
  const others = known?.versions ?? [];
  backups.set(folder, {
    ...{ id, reason, manifestKey },
    complete: (known?.complete ?? false) || (isManifest && IsLatest && !isMarker),
    versions: isManifest ? [...others, version] : [version, ...others],
    lastModified: known === undefined || LastModified > known.lastModified ? LastModified : known.lastModified,
  });
}

/** Whether any version of it cannot be deleted yet: a retention that has not passed, or a legal hold. */
export async function isLocked(store: BackupStore, { versions }: StoredBackup, now: Date): Promise<boolean> {
  for (const { key, versionId, isMarker } of versions) {
    if (isMarker) continue;
    const head = await store.attempt(`looking at ${key}`, async () => {
      try {
        return await store.storage.send(
          new HeadObjectCommand({ Bucket: store.target.bucket, Key: key, VersionId: versionId }),
        );
      } catch (error) {
        // Another pruner was faster.
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
        throw error;
      }
    });
    if (head?.ObjectLockLegalHoldStatus === "ON" || (head?.ObjectLockRetainUntilDate ?? now) > now) return true;
  }
  return false;
}

/**
 * Deletes it for good. A marker hides the manifest first, so that from the first request on it is no backup, whenever this is killed; the
 * next run finds the remains.
 */
export async function deleteStored(
  store: BackupStore,
  { complete, manifestKey, versions }: StoredBackup,
): Promise<void> {
  const { bucket } = store.target;
  const remove = (Key: string, VersionId?: string) =>
    store.attempt(`deleting ${Key}`, () =>
      store.storage.send(
        new DeleteObjectCommand({ Bucket: bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }),
      ),
    );
  const marker = complete ? await remove(manifestKey) : undefined;
  for (const { key, versionId } of versions) await remove(key, versionId);
  if (marker?.VersionId !== undefined) await remove(manifestKey, marker.VersionId);
}

/** Aborts uploads that were begun before `before` and never ended. Answers with their keys. */
export async function abortUploads(store: BackupStore, before: Date, dryRun: boolean): Promise<string[]> {
  const { bucket, environment } = store.target;
  const found: { Key: string; UploadId: string }[] = [];
  await store.attempt("listing unfinished uploads", async () => {
    for (let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {}; from !== null;) {
      const page: ListMultipartUploadsCommandOutput = await store.storage.send(
        new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `backups/${environment}/`, ...from }),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key !== undefined && UploadId !== undefined && Initiated !== undefined && Initiated < before)
          found.push({ Key, UploadId });
      }
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      from = IsTruncated === true ? { KeyMarker, UploadIdMarker } : null;
    }
  });
  for (const upload of dryRun ? [] : found) {
    await store.attempt(`aborting the upload of ${upload.Key}`, () =>
      store.storage.send(new AbortMultipartUploadCommand({ Bucket: bucket, ...upload })),
    );
  }
  return found.map(({ Key }) => Key);
}
