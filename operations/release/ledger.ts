import {
  GetObjectCommand,
  NoSuchBucket,
  NoSuchKey,
  PutObjectCommand,
  S3ServiceException,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { ReleaseId, ReleaseRecord, type LedgerLocation, type ReleaseStamp } from "./spec.ts";

/** What can happen to an attempt. `verified` and `failed` close it; `rolled-back` quarantines its release afterwards. */
export const attemptEvents = ["begun", "verified", "failed", "rolled-back"] as const;
export type AttemptEvent = (typeof attemptEvents)[number];

const Begun = z.strictObject({
  release: ReleaseId,
  after: z.string().nullable(),
  at: z.iso.datetime(),
  /** The verb that came first. */
  by: z.string(),
});

const Closed = z.object({ at: z.iso.datetime() });

/** One try to make a release serve, from its first side effect on. */
export interface Attempt {
  /** Six digits, counted from 000001. */
  readonly id: string;
  readonly release: string;
  readonly after: string | null;
  readonly at: string;
  readonly events: readonly AttemptEvent[];
}

export type AttemptState = "open" | "failed" | "verified" | "rolled-back";

/** The state that an attempt's events add up to. */
export function attemptState(events: readonly AttemptEvent[]): AttemptState {
  if (events.includes("rolled-back")) return "rolled-back";
  if (events.includes("verified")) return "verified";
  if (events.includes("failed")) return "failed";
  return "open";
}

/**
 * The ledger of one environment in the backup bucket: `releases/<environment>/<id>.json`, written once, and an append-only
 * history `journal/<environment>/<attempt>.<event>.json`. Nothing in it is ever changed or deleted; every write is conditional
 * (`If-None-Match: *`), so two writers cannot both win.
 */
export class Ledger {
  readonly #storage: S3Client;
  readonly #location: LedgerLocation;

  constructor(storage: S3Client, location: LedgerLocation) {
    this.#storage = storage;
    this.#location = location;
  }

  /** Records a release, once. The same id with other content is refused. */
  async putRelease(record: ReleaseRecord): Promise<void> {
    if (await this.#create(this.#releaseKey(record.id), record)) return;
    const existing = await this.readRelease(record.id);
    if (existing && isDeepStrictEqual(existing, ReleaseRecord.parse(record))) return;
    throw new OperationError("refused", {
      where: `release ${record.id}`,
      what: "is in the ledger already, with other content.",
      next: "Build the release again under a new id: a recorded release never changes.",
    });
  }

  async readRelease(id: string): Promise<ReleaseRecord | null> {
    const body = await this.#read(this.#releaseKey(id));
    return body === null ? null : ReleaseRecord.parse(body);
  }

  /** Ids of all recorded releases, in the order of their keys. */
  async listReleases(): Promise<string[]> {
    const prefix = `releases/${this.#location.environment}/`;
    const keys = await this.#keys(prefix);
    return keys.map((key) => key.slice(prefix.length).replace(/\.json$/, ""));
  }

  /** All attempts with their events, oldest first. Reads names only; `attempt` reads the body. */
  async history(): Promise<{ id: string; events: AttemptEvent[] }[]> {
    const prefix = `journal/${this.#location.environment}/`;
    const attempts = new Map<string, AttemptEvent[]>();
    for (const key of await this.#keys(prefix)) {
      const [, id, event] = /^(\d{6})\.([a-z-]+)\.json$/.exec(key.slice(prefix.length)) ?? [];
      const known = attemptEvents.find((one) => one === event);
      if (id === undefined || known === undefined) continue;
      attempts.set(id, [...(attempts.get(id) ?? []), known]);
    }
    return [...attempts]
      .map(([id, events]) => ({ id, events }))
      .filter(({ events }) => events.includes("begun"))
      .sort((one, other) => one.id.localeCompare(other.id));
  }

  async attempt(id: string): Promise<Attempt> {
    const [begun, history] = await Promise.all([this.#read(this.#attemptKey(id, "begun")), this.history()]);
    if (begun === null) {
      throw new OperationError("failed", {
        where: `attempt ${id}`,
        what: "is not in the ledger.",
        next: "Run `affexai release list` for those that are.",
      });
    }
    return { id, ...Begun.parse(begun), events: history.find((one) => one.id === id)?.events ?? [] };
  }

  /** The newest attempt, or null on a fresh ledger. */
  async newest(): Promise<Attempt | null> {
    const last = (await this.history()).at(-1);
    return last === undefined ? null : this.attempt(last.id);
  }

  /** Id of the newest attempt that never closed as verified: what `ReleaseStamp.after` carries. */
  async newestUnverified(): Promise<string | null> {
    return (await this.history()).findLast(({ events }) => !events.includes("verified"))?.id ?? null;
  }

  /** Last known good: the newest attempt that was verified and whose release was not rolled back since, other than `except`. */
  async lastKnownGood(except?: string): Promise<{ attempt: Attempt; record: ReleaseRecord } | null> {
    const history = await this.history();
    const quarantined = new Set<string>();
    for (const { id, events } of history.toReversed()) {
      if (!events.includes("verified") && !events.includes("rolled-back")) continue;
      const attempt = await this.attempt(id);
      if (attemptState(events) === "rolled-back") quarantined.add(attempt.release);
      if (attemptState(events) !== "verified" || quarantined.has(attempt.release) || attempt.release === except)
        continue;
      const record = await this.readRelease(attempt.release);
      if (record !== null) return { attempt, record };
    }
    return null;
  }

  /** The newest releases that were ever verified, also those that were rolled back since, newest first. */
  async newestVerified(count: number): Promise<ReleaseRecord[]> {
    const found = new Map<string, ReleaseRecord>();
    for (const { id, events } of (await this.history()).toReversed()) {
      if (found.size === count) break;
      if (!events.includes("verified")) continue;
      const { release } = await this.attempt(id);
      const record = found.has(release) ? null : await this.readRelease(release);
      if (record !== null) found.set(release, record);
    }
    return [...found.values()];
  }

  /**
   * The attempt that this run belongs to: the newest one if it is open and carries the same stamp, else a new one. Call it before
   * the first side effect.
   */
  async joinAttempt(stamp: ReleaseStamp, by: string): Promise<string> {
    for (let tries = 0; tries < 10; tries += 1) {
      const newest = await this.newest();
      if (
        newest !== null &&
        attemptState(newest.events) === "open" &&
        newest.release === stamp.id &&
        newest.after === stamp.after
      ) {
        return newest.id;
      }
      const id = String(Number(newest?.id ?? "0") + 1).padStart(6, "0");
      const begun = { release: stamp.id, after: stamp.after, at: new Date().toISOString(), by };
      if (await this.#create(this.#attemptKey(id, "begun"), begun)) return id;
    }
    throw new OperationError("failed", {
      where: "ledger",
      what: "ten attempts in a row were begun by somebody else.",
      next: "Another run is releasing to this environment; wait for it to end.",
    });
  }

  /** Appends an event to an attempt. The first one of a kind stands. */
  async close(attempt: string, event: Exclude<AttemptEvent, "begun">, reason: string): Promise<void> {
    await this.#create(this.#attemptKey(attempt, event), { at: new Date().toISOString(), reason });
  }

  /** When the first event of a kind was appended; null without one. */
  async closedAt(attempt: string, event: Exclude<AttemptEvent, "begun">): Promise<string | null> {
    const body = await this.#read(this.#attemptKey(attempt, event));
    return body === null ? null : Closed.parse(body).at;
  }

  #releaseKey(id: string): string {
    return `releases/${this.#location.environment}/${id}.json`;
  }

  #attemptKey(id: string, event: AttemptEvent): string {
    return `journal/${this.#location.environment}/${id}.${event}.json`;
  }

  /** False when the key exists already. */
  async #create(key: string, body: unknown): Promise<boolean> {
    try {
      await this.#storage.send(
        new PutObjectCommand({
          Bucket: this.#location.bucket,
          Key: key,
          Body: JSON.stringify(body, null, 2),
          ContentType: "application/json",
          IfNoneMatch: "*",
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return false;
      throw this.#failure(error, `writing ${key}`);
    }
  }

  async #read(key: string): Promise<unknown> {
    try {
      const { Body } = await this.#storage.send(new GetObjectCommand({ Bucket: this.#location.bucket, Key: key }));
      return JSON.parse((await Body?.transformToString()) ?? "null");
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw this.#failure(error, `reading ${key}`);
    }
  }

  async #keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    try {
      const pages = paginateListObjectsV2({ client: this.#storage }, { Bucket: this.#location.bucket, Prefix: prefix });
      for await (const page of pages) keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key ? [Key] : [])));
    } catch (error) {
      throw this.#failure(error, `listing ${prefix}`);
    }
    return keys;
  }

  #failure(error: unknown, doing: string): unknown {
    if (error instanceof NoSuchBucket) return new LedgerMissing(this.#location.bucket, { cause: error });
    if (error instanceof S3ServiceException) {
      const status = error.$metadata.httpStatusCode;
      return new OperationError(
        status === 401 || status === 403 ? "refused" : "failed",
        {
          where: `ledger in bucket ${this.#location.bucket}`,
          what: `${doing} was answered with ${status ?? "no status"} ${error.name}.`,
          next: "Check the credentials' rights on the bucket, then run again.",
        },
        { cause: error },
      );
    }
    return new OperationError(
      "unreachable",
      {
        where: `ledger in bucket ${this.#location.bucket}`,
        what: `${doing} failed: ${error instanceof Error ? error.message : String(error)}.`,
        next: "Check AWS_ENDPOINT_URL and the network, then run again.",
      },
      { cause: error },
    );
  }
}

/** The backup bucket does not exist yet: true before the first `up` of an environment. */
export class LedgerMissing extends OperationError {
  constructor(bucket: string, options?: { cause?: unknown }) {
    super(
      "refused",
      {
        where: `bucket ${bucket}`,
        what: "does not exist, so there is no ledger.",
        next: "Run `pulumi up` with AFFEXAI_RELEASE set to a release record's file first.",
      },
      options,
    );
  }
}
