import { randomBytes } from "node:crypto";
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchBucket,
  NoSuchKey,
  PutObjectCommand,
  S3ServiceException,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { OperationError } from "../error.ts";
import { digestOf } from "./checksum.ts";
import { Manifest, type StoredObject } from "./manifest.ts";
import type { BackupReason, BackupTarget } from "./spec.ts";
import { parseJson } from "../json.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";

/** Longest time in ms that reading or writing one dump may take. */
export const dumpLimitMs = 24 * 3_600_000;

/** An id that sorts by time. */
export function newBackupId(now = new Date()): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, "")}-${randomBytes(3).toString("hex")}`;
}

/** The files of a backup, called after what reads them: `zstd --decompress`, and `age --decrypt` before it. */
type BackupFile = "dump.zst" | "dump.zst.age" | "globals.sql" | "globals.sql.age" | "manifest.json";

/** The backups of one environment: `backups/<environment>/<reason>/<id>/{dump.zst,globals.sql,manifest.json}` in its bucket. */
export class BackupStore {
  readonly storage: S3Client;
  readonly target: BackupTarget;

  constructor(storage: S3Client, target: BackupTarget) {
    this.storage = storage;
    this.target = target;
  }

  key(reason: BackupReason, id: string, file: BackupFile): string {
    return `backups/${this.target.environment}/${reason}/${id}/${file}`;
  }

  /** Writes a small file, once: an object that exists already is a failure. */
  async put(key: string, body: string | Uint8Array, contentType: string): Promise<StoredObject> {
    const content = Buffer.from(body);
    const { bytes, sha256 } = digestOf(content);
    const { VersionId } = await this.attempt(`writing ${key}`, () =>
      this.storage.send(
        new PutObjectCommand({
          Bucket: this.target.bucket,
          Key: key,
          Body: content,
          ContentType: contentType,
          IfNoneMatch: "*",
          Metadata: { sha256 },
        }),
      ),
    );
    return { key, versionId: VersionId ?? null, bytes, sha256 };
  }

  /** Opens an object, in the version that was written when the bucket keeps versions. */
  async open(object: Pick<StoredObject, "key" | "versionId">): Promise<Readable> {
    return this.#body(object, {});
  }

  /** The first bytes of an object, at most `bytes`. */
  async beginning(object: Pick<StoredObject, "key" | "versionId">, bytes: number): Promise<Uint8Array> {
    return this.attempt(`reading ${object.key}`, async () =>
      buffer(await this.#body(object, { Range: `bytes=0-${bytes - 1}` })),
    );
  }

  /** Size in bytes of an object, or null when it is not there. */
  async size(object: Pick<StoredObject, "key" | "versionId">): Promise<number | null> {
    return this.attempt(`looking at ${object.key}`, async () => {
      try {
        return (await this.storage.send(new HeadObjectCommand(this.#address(object)))).ContentLength ?? 0;
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
        throw error;
      }
    });
  }

  async exists(key: string): Promise<boolean> {
    return (await this.size({ key, versionId: null })) !== null;
  }

  /** The manifests of all complete backups, oldest first. */
  async manifests(reason?: BackupReason): Promise<Manifest[]> {
    const prefix = `backups/${this.target.environment}/${reason === undefined ? "" : `${reason}/`}`;
    const keys = await this.attempt(`listing ${prefix}`, async () => {
      const found: string[] = [];
      const pages = paginateListObjectsV2({ client: this.storage }, { Bucket: this.target.bucket, Prefix: prefix });
      for await (const page of pages) {
        found.push(...(page.Contents ?? []).flatMap(({ Key = "" }) => (Key.endsWith("/manifest.json") ? [Key] : [])));
      }
      return found;
    });
    const manifests: Manifest[] = [];
    for (const key of keys) manifests.push(await this.#manifest(key));
    return manifests.sort((one, other) => one.id.localeCompare(other.id));
  }

  /** One backup, or the newest. Refuses when there is none. */
  async find(id: string | undefined): Promise<Manifest> {
    const manifests = await this.manifests();
    const manifest = id === undefined ? manifests.at(-1) : manifests.find((one) => one.id === id);
    if (manifest !== undefined) return manifest;
    throw new OperationError("refused", {
      where: `backups of ${this.target.environment} in bucket ${this.target.bucket}`,
      what: id === undefined ? "there is none." : `there is none with the id ${id}.`,
      next:
        manifests.length === 0
          ? "Run `affexai backup create`."
          : `Name one of: ${manifests
              .slice(-5)
              .map((one) => one.id)
              .join(", ")}.`,
    });
  }

  /** Words a failure of the storage for people. */
  async attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.failure(doing, error);
    }
  }

  /** What a failure is to people. Errors that are worded already are passed on. */
  failure(doing: string, error: unknown): unknown {
    return storageFailure(this.target.bucket, doing, error);
  }

  async #manifest(key: string): Promise<Manifest> {
    const { Body } = await this.attempt(`reading ${key}`, () =>
      this.storage.send(new GetObjectCommand({ Bucket: this.target.bucket, Key: key })),
    );
    const manifest = Manifest.safeParse(parseJson((await Body?.transformToString()) ?? ""));
    if (manifest.success) return manifest.data;
    throw new OperationError("failed", {
      where: `s3://${this.target.bucket}/${key}`,
      what: "is not a manifest that this version understands.",
      next: "Move it away if it is damaged, or use the version of affexai that wrote it.",
    });
  }

  async #body(object: Pick<StoredObject, "key" | "versionId">, range: { Range?: string }): Promise<Readable> {
    const { Body } = await this.attempt(`reading ${object.key}`, () =>
      this.storage.send(new GetObjectCommand({ ...this.#address(object), ...range })),
    );
    if (Body instanceof Readable) return Body;
    throw new Error("the S3 client gave a body that is not a stream of Node");
  }

  #address({ key, versionId }: Pick<StoredObject, "key" | "versionId">) {
    return { Bucket: this.target.bucket, Key: key, ...(versionId === null ? {} : { VersionId: versionId }) };
  }
}

/** The backups that a verb's spec names, with the storage's credentials of its environment. */
export function backupStore({ bucket, environment }: BackupTarget, { env }: Pick<Context, "env">): BackupStore {
  return new BackupStore(objectStorage(env), { bucket, environment });
}

function storageFailure(bucket: string, doing: string, error: unknown): unknown {
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
