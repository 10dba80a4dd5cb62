import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../error.ts";
import { Bucket } from "./bucket.ts";
import type { BucketFile } from "./bucket-file.ts";
import { syncFolder } from "./files.ts";
import { NamedLock } from "./lock.ts";

/** Every bucket, under `<dir>/buckets/<name>/`. */
export class Storage {
  readonly #folder: string;
  readonly #buckets = new Map<string, Bucket>();
  readonly #lock = new NamedLock();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(dir: string): Promise<Storage> {
    const storage = new Storage(join(dir, "buckets"));
    await mkdir(storage.#folder, { recursive: true });
    for (const name of await readdir(storage.#folder)) {
      const folder = join(storage.#folder, name);
      // Without its settings a folder is a bucket whose creation or deletion was cut short.
      if (existsSync(join(folder, "bucket.json")) && !name.startsWith(".")) {
        storage.#buckets.set(name, await Bucket.open(folder));
      } else {
        await rm(folder, { recursive: true });
      }
    }
    return storage;
  }

  /** Throws NoSuchBucket. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new StorageError("NoSuchBucket", undefined, { elements: { BucketName: name } });
    return bucket;
  }

  has(name: string): boolean {
    return this.#buckets.has(name);
  }

  all(): readonly Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async create(file: BucketFile): Promise<void> {
    await this.#lock.hold(file.name, async () => {
      if (this.#buckets.has(file.name)) {
        throw new StorageError("BucketAlreadyOwnedByYou", undefined, { elements: { BucketName: file.name } });
      }
      this.#buckets.set(file.name, await Bucket.create(join(this.#folder, file.name), file));
      await syncFolder(this.#folder);
    });
  }

  /** Throws BucketNotEmpty while there is any version. Open multipart uploads go with the bucket, as in S3. */
  async delete(name: string): Promise<void> {
    await this.#lock.hold(name, async () => {
      const bucket = this.bucket(name);
      if (bucket.keys.size > 0) {
        throw new StorageError(
          "BucketNotEmpty",
          bucket.settings.versioning.Status === undefined
            ? undefined
            : "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
          { elements: { BucketName: name } },
        );
      }
      const aside = join(this.#folder, `.${randomUUID()}`);
      await rename(bucket.folder, aside);
      this.#buckets.delete(name);
      await syncFolder(this.#folder);
      await rm(aside, { recursive: true });
    });
  }
}
