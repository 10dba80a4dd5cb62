import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BucketFile, type BucketSettings } from "./bucket-file.ts";
import { removeDurably, removeUnfinished, syncFolder, writeDurably } from "./files.ts";
import { SortedKeys } from "./key-order.ts";
import { NamedLock } from "./lock.ts";
import { Uploads } from "./uploads.ts";
import { KeyFile, type Version } from "./version.ts";

/** How many key files are read at once while a bucket is opened. */
const readsAtOnce = 64;

/**
 * A bucket: its settings, an index of its keys in memory, and on disk one small file a key (versions, newest first) beside the
 * bytes in `blobs/`. Every change of a key is one durable rename, so a crash loses nothing that was acknowledged; bytes that no
 * key and no upload names are removed when the bucket is opened.
 */
export class Bucket {
  readonly folder: string;
  readonly keys = new SortedKeys();
  readonly uploads: Uploads;
  readonly #versions = new Map<string, readonly Version[]>();
  readonly #lock = new NamedLock();
  #file: BucketFile;

  private constructor(folder: string, file: BucketFile) {
    this.folder = folder;
    this.#file = file;
    this.uploads = new Uploads(join(folder, "uploads"), (blob) => this.blobPath(blob));
  }

  /** Makes the bucket's folders; `bucket.json` comes last, so a folder without it is not a bucket. */
  static async create(folder: string, file: BucketFile): Promise<Bucket> {
    await rm(folder, { recursive: true, force: true });
    for (const name of ["keys", "blobs", "uploads"]) await mkdir(join(folder, name), { recursive: true });
    await writeDurably(join(folder, "bucket.json"), JSON.stringify(file));
    return new Bucket(folder, file);
  }

  /** Opens what `create` made, and removes what a crash left behind. */
  static async open(folder: string): Promise<Bucket> {
    const bucket = new Bucket(
      folder,
      BucketFile.parse(JSON.parse(await readFile(join(folder, "bucket.json"), "utf8"))),
    );
    await removeUnfinished(folder);
    await removeUnfinished(join(folder, "keys"));
    await bucket.#readKeys();
    const kept = new Set([...bucket.#versions.values()].flat().flatMap(blobsOf));
    const uploading = await bucket.uploads.open(kept);
    const blobs = await readdir(join(folder, "blobs"));
    const orphans = blobs.filter((blob) => !kept.has(blob) && !uploading.has(blob));
    await Promise.all(orphans.map((blob) => rm(bucket.blobPath(blob))));
    return bucket;
  }

  get name(): string {
    return this.#file.name;
  }

  get region(): string {
    return this.#file.region;
  }

  get createdAt(): string {
    return this.#file.createdAt;
  }

  get settings(): BucketSettings {
    return this.#file.settings;
  }

  /** Replaces settings; those given as undefined are removed. */
  async configure(settings: Partial<BucketSettings>): Promise<void> {
    await this.#lock.hold("", async () => {
      const file = { ...this.#file, settings: { ...this.#file.settings, ...settings } };
      await writeDurably(join(this.folder, "bucket.json"), JSON.stringify(file));
      this.#file = file;
    });
  }

  blobPath(blob: string): string {
    return join(this.folder, "blobs", blob);
  }

  /** Versions of a key, newest first; empty when there is none. */
  versions(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  /**
   * Changes a key's versions: `decide` sees the present ones and returns the next, or throws to leave them. One change of a key
   * at a time; what it returned is on disk before the promise resolves. Bytes that are no longer named are deleted afterwards.
   */
  async change<T>(
    key: string,
    decide: (versions: readonly Version[]) => { versions: readonly Version[]; result: T },
  ): Promise<T> {
    return this.#lock.hold(`key ${key}`, async () => {
      const before = this.versions(key);
      const { versions, result } = decide(before);
      const path = join(this.folder, "keys", `${createHash("sha256").update(key).digest("hex")}.json`);
      if (versions.length === 0) {
        if (before.length > 0) await removeDurably(path);
        this.#versions.delete(key);
        this.keys.remove(key);
      } else {
        await writeDurably(path, JSON.stringify({ key, versions }));
        this.#versions.set(key, versions);
        this.keys.add(key);
      }
      const kept = new Set(versions.flatMap(blobsOf));
      const dropped = before.flatMap(blobsOf).filter((blob) => !kept.has(blob));
      await Promise.all(dropped.map((blob) => rm(this.blobPath(blob), { force: true })));
      return result;
    });
  }

  /** Makes the blobs that were written so far findable after a power cut. */
  async syncBlobs(): Promise<void> {
    await syncFolder(join(this.folder, "blobs"));
  }

  async #readKeys(): Promise<void> {
    const names = await readdir(join(this.folder, "keys"));
    for (let start = 0; start < names.length; start += readsAtOnce) {
      const texts = names
        .slice(start, start + readsAtOnce)
        .map((name) => readFile(join(this.folder, "keys", name), "utf8"));
      for (const text of await Promise.all(texts)) {
        const { key, versions } = KeyFile.parse(JSON.parse(text));
        this.#versions.set(key, versions);
        this.keys.add(key);
      }
    }
  }
}

function blobsOf(version: Version): string[] {
  return version.kind === "object" ? version.segments.map(({ blob }) => blob) : [];
}
