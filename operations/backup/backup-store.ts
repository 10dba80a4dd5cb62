import { randomBytes } from "node:crypto";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { OperationError } from "../error.ts";
import { digestOf } from "./checksum.ts";
import { Manifest, isOwn, type StoredObject } from "./manifest.ts";
import { locked } from "./object-lock.ts";
import { BackupId, BackupReason, type BackupTarget } from "./spec.ts";
import { storageFailure } from "./storage-failure.ts";
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

/** How many manifests are read at the same time. */
const readAtOnce = 16;

/** Where a file of a backup is. */
export interface BackupAddress {
  readonly key: string;
  readonly environment: string;
  readonly reason: BackupReason;
  readonly id: string;
  readonly file: string;
}

/** Takes a key apart; null when it is no backup's. */
export function backupAddress(key: string): BackupAddress | null {
  const [, environment = "", reason, id, file = ""] = /^backups\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(key) ?? [];
  const [known, valid] = [BackupReason.safeParse(reason), BackupId.safeParse(id)];
  return known.success && valid.success ? { key, environment, reason: known.data, id: valid.data, file } : null;
}

/** A manifest that is there and tells nothing: `why` is a phrase about it. */
export interface UnreadableManifest {
  readonly key: string;
  readonly id: string;
  readonly reason: BackupReason;
  readonly why: string;
}

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

  /** Writes a small file, once: an object that exists already is a failure. Nobody can delete it until `lockUntil`. */
  async put(
    key: string,
    body: string | Uint8Array,
    contentType: string,
    lockUntil: Date | null = null,
  ): Promise<StoredObject> {
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
          ...locked(lockUntil),
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

  /** Until when nobody can delete an object's version. Null when anybody may who has the right. */
  async lockedUntil(object: Pick<StoredObject, "key" | "versionId">): Promise<string | null> {
    const { ObjectLockRetainUntilDate: until } = await this.attempt(`looking at ${object.key}`, () =>
      this.storage.send(new HeadObjectCommand(this.#address(object))),
    );
    return until?.toISOString() ?? null;
  }

  /** Every environment that keeps backups in this bucket. */
  async environments(): Promise<string[]> {
    const prefix = "backups/";
    return this.attempt(`listing ${prefix}`, async () => {
      const found: string[] = [];
      const listing = { Bucket: this.target.bucket, Prefix: prefix, Delimiter: "/" };
      for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: this.storage }, listing)) {
        found.push(...CommonPrefixes.flatMap(({ Prefix = "" }) => Prefix.slice(prefix.length, -1) || []));
      }
      return found;
    });
  }

  /** The manifests of the environment's own complete backups that can be read, oldest first: a copy of another one's data is none. */
  async manifests(reason?: BackupReason): Promise<Manifest[]> {
    return (await this.catalogue(reason)).manifests.filter(isOwn);
  }

  /** All backups that have a manifest, oldest first: one manifest that cannot be read must not hide the others. */
  async catalogue(reason?: BackupReason): Promise<{ manifests: Manifest[]; unreadable: UnreadableManifest[] }> {
    const found = await this.#list(reason);
    const read: (Manifest | UnreadableManifest)[] = [];
    for (let from = 0; from < found.length; from += readAtOnce) {
      read.push(...(await Promise.all(found.slice(from, from + readAtOnce).map((one) => this.#manifest(one)))));
    }
    return {
      manifests: read.filter((one) => "dump" in one),
      unreadable: read.filter((one) => "why" in one),
    };
  }

  /**
   * One backup, or the newest of the environment's own data. Refuses when there is none, and when its manifest cannot be read: an older one
   * is not meant.
   */
  async find(id: string | undefined): Promise<Manifest> {
    const found = await this.#list();
    const next =
      found.length === 0
        ? "Run `affexai backup create`."
        : `Name one of: ${found
            .slice(-5)
            .map((one) => one.id)
            .join(", ")}.`;
    for (const address of id === undefined ? found.toReversed() : found.filter((one) => one.id === id)) {
      const manifest = await this.#manifest(address);
      if ("why" in manifest) {
        throw new OperationError("refused", {
          where: `s3://${this.target.bucket}/${manifest.key}`,
          what: `${manifest.why}.`,
          next: `${next} Or use the version of affexai that wrote it.`,
        });
      }
      if (id !== undefined || isOwn(manifest)) return manifest;
    }
    throw new OperationError("refused", {
      where: `backups of ${this.target.environment} in bucket ${this.target.bucket}`,
      what: id === undefined ? "there is none." : `there is none with the id ${id}.`,
      next,
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

  /** Where there are manifests, in the order of their ids, which is that of time. */
  async #list(reason?: BackupReason): Promise<BackupAddress[]> {
    const prefix = `backups/${this.target.environment}/${reason === undefined ? "" : `${reason}/`}`;
    const found = await this.attempt(`listing ${prefix}`, async () => {
      const addresses: BackupAddress[] = [];
      const pages = paginateListObjectsV2({ client: this.storage }, { Bucket: this.target.bucket, Prefix: prefix });
      for await (const { Contents = [] } of pages) {
        for (const { Key = "" } of Contents) {
          const address = backupAddress(Key);
          if (address?.file === "manifest.json") addresses.push(address);
        }
      }
      return addresses;
    });
    return found.sort((one, other) => one.id.localeCompare(other.id));
  }

  async #manifest({ key, environment, reason, id }: BackupAddress): Promise<Manifest | UnreadableManifest> {
    const why = (text: string): UnreadableManifest => ({ key, id, reason, why: text });
    const { Body, Metadata } = await this.attempt(`reading ${key}`, () =>
      this.storage.send(new GetObjectCommand({ Bucket: this.target.bucket, Key: key })),
    );
    const text = (await Body?.transformToString()) ?? "";
    const written = Metadata?.["sha256"];
    if (written !== undefined && written !== digestOf(Buffer.from(text)).sha256) return why("is damaged");
    const manifest = Manifest.safeParse(parseJson(text));
    if (!manifest.success) return why("is not a manifest that this version understands");
    const said = manifest.data;
    const same = said.environment === environment && said.reason === reason && said.id === id;
    return same ? said : why(`is the manifest of another backup: ${said.id} of ${said.environment}, ${said.reason}`);
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
