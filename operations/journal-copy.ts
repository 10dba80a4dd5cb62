import { PutObjectCommand, S3ServiceException, type S3Client } from "@aws-sdk/client-s3";
import type { Progress } from "./progress.ts";

const writeLimitMs = 5_000;
const settleLimitMs = 10_000;

/**
 * A copy of the journal in object storage, one object an event: `journal-copy/<environment>/<run>/<event>.json`. Nothing in it is ever
 * changed. It is written behind the run's back: an event that could not be written is noted, once, and never holds anything up.
 */
export class JournalCopy {
  readonly #storage: S3Client;
  readonly #place: { readonly bucket: string; readonly environment: string };
  readonly #progress: Progress;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(storage: S3Client, place: { bucket: string; environment: string }, progress: Progress) {
    this.#storage = storage;
    this.#place = place;
    this.#progress = progress;
  }

  /** Takes an event to write, after those before it. Returns at once. */
  add(run: string, event: string, body: object): void {
    const at = new Date().toISOString();
    this.#writing = this.#writing.then(() => this.#write(`${run}/${event}.json`, JSON.stringify({ at, ...body })));
  }

  /** Returns when all is written, or could not be, or took longer than ten seconds. */
  async settled(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, settleLimitMs)));
    await Promise.race([this.#writing, limit]);
    clearTimeout(timer);
  }

  async #write(key: string, body: string): Promise<void> {
    // What the first failure says is true of all: one that has to be waited for would be waited for at every event.
    if (this.#failed) return;
    try {
      await this.#storage.send(
        new PutObjectCommand({
          Bucket: this.#place.bucket,
          Key: `journal-copy/${this.#place.environment}/${key}`,
          Body: body,
          ContentType: "application/json",
          IfNoneMatch: "*",
        }),
        { abortSignal: AbortSignal.timeout(writeLimitMs) },
      );
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return;
      this.#failed = true;
      const why = error instanceof Error ? error.message : String(error);
      this.#progress.note(`the journal's copy in bucket ${this.#place.bucket} is incomplete from here: ${why}`);
    }
  }
}
