import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeUnfinished, syncFolder, writeDurably } from "./files.ts";
import { NamedLock } from "./lock.ts";
import { PartFile, UploadFile, type Upload } from "./upload.ts";

/** The multipart uploads of a bucket that were begun and neither completed nor aborted. */
export class Uploads {
  readonly #folder: string;
  readonly #blobPath: (blob: string) => string;
  readonly #open = new Map<string, UploadFile & { parts: Map<number, PartFile> }>();
  readonly #lock = new NamedLock();

  constructor(folder: string, blobPath: (blob: string) => string) {
    this.#folder = folder;
    this.#blobPath = blobPath;
  }

  /**
   * Reads what is on disk and returns the blobs of its parts. An upload with a part among `completed` (blobs that objects name)
   * was completed just before a crash: only its folder was left to remove.
   */
  async open(completed: ReadonlySet<string>): Promise<Set<string>> {
    const blobs = new Set<string>();
    for (const id of await readdir(this.#folder)) {
      const upload = await this.#read(join(this.#folder, id));
      const parts = [...(upload?.parts.values() ?? [])].map(({ segment }) => segment.blob);
      if (upload === null || parts.some((blob) => completed.has(blob))) {
        await rm(join(this.#folder, id), { recursive: true });
        continue;
      }
      this.#open.set(id, upload);
      for (const blob of parts) blobs.add(blob);
    }
    return blobs;
  }

  get(id: string): Upload | undefined {
    return this.#open.get(id);
  }

  all(): readonly Upload[] {
    return [...this.#open.values()];
  }

  async begin(file: UploadFile): Promise<void> {
    const folder = join(this.#folder, file.id);
    await mkdir(folder);
    await writeDurably(join(folder, "upload.json"), JSON.stringify(file));
    await syncFolder(dirname(folder));
    this.#open.set(file.id, { ...file, parts: new Map() });
  }

  /** Adds or replaces a part. False when the upload ended meanwhile: the caller's bytes are then its own to remove. */
  async putPart(id: string, part: PartFile): Promise<boolean> {
    return this.#lock.hold(id, async () => {
      const upload = this.#open.get(id);
      if (upload === undefined) return false;
      await writeDurably(join(this.#folder, id, `${part.number}.json`), JSON.stringify(part));
      const replaced = upload.parts.get(part.number);
      upload.parts.set(part.number, part);
      if (replaced !== undefined) await rm(this.#blobPath(replaced.segment.blob), { force: true });
      return true;
    });
  }

  /**
   * Ends an upload: `take` stores what it wants of it and returns the blobs that it took; the others are deleted. When it throws,
   * the upload stays as it was. Undefined when there is no such upload.
   */
  async end<T>(
    id: string,
    take: (upload: Upload) => Promise<{ taken: readonly string[]; result: T }>,
  ): Promise<T | undefined> {
    return this.#lock.hold(id, async () => {
      const upload = this.#open.get(id);
      if (upload === undefined) return undefined;
      const { taken, result } = await take(upload);
      this.#open.delete(id);
      await rm(join(this.#folder, id), { recursive: true });
      const kept = new Set(taken);
      const dropped = [...upload.parts.values()].map(({ segment }) => segment.blob).filter((blob) => !kept.has(blob));
      await Promise.all(dropped.map((blob) => rm(this.#blobPath(blob), { force: true })));
      return result;
    });
  }

  async #read(folder: string): Promise<(UploadFile & { parts: Map<number, PartFile> }) | null> {
    await removeUnfinished(folder);
    const names = await readdir(folder);
    if (!names.includes("upload.json")) return null;
    const file = UploadFile.parse(JSON.parse(await readFile(join(folder, "upload.json"), "utf8")));
    const parts = new Map<number, PartFile>();
    for (const name of names.filter((name) => name !== "upload.json")) {
      const part = PartFile.parse(JSON.parse(await readFile(join(folder, name), "utf8")));
      parts.set(part.number, part);
    }
    return { ...file, parts };
  }
}
