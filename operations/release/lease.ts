import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3ServiceException, type S3Client } from "@aws-sdk/client-s3";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { isProcessAlive } from "../process-alive.ts";
import type { Context } from "../verb.ts";
import type { LedgerLocation } from "./spec.ts";

const Held = z.object({
  host: z.string(),
  pid: z.int(),
  /** What it does, for people. */
  doing: z.string(),
  /** Null when it was given back. */
  until: z.iso.datetime().nullable(),
});
type Held = z.infer<typeof Held>;

/** A lease that nobody renews for this long belongs to a run that died. */
const leaseMs = 30_000;
const renewMs = 10_000;

export interface Lease {
  /** Throws when another run has taken the lease over, or may have: this one stood still for too long, or could not renew it. */
  insist(): Promise<void>;
  release(): Promise<void>;
}

/**
 * One run at a time on one thing: `leases/<environment>/<thing>.json` in the ledger's bucket, taken by conditional writes and renewed
 * while the run lives. A second run is refused before it has touched anything; one that comes after a kill takes over, at once on the
 * same machine, else when the lease has run out.
 */
export async function takeLease(
  storage: S3Client,
  location: LedgerLocation,
  { thing, doing }: { thing: string; doing: string },
  { progress, signal }: Pick<Context, "progress" | "signal">,
): Promise<Lease> {
  const slot = new Slot(storage, location.bucket, `leases/${location.environment}/${thing}.json`);
  const claim = () => ({
    ...{ host: hostname(), pid: process.pid, doing },
    until: new Date(Date.now() + leaseMs).toISOString(),
  });
  const found = await slot.read();
  if (found !== null && isAlive(found.held)) {
    // On this machine it is known to run; elsewhere it may have died.
    if (found.held.host === hostname()) throw busy(thing, found.held);
    await expectEnd(slot, found, thing, { progress, signal });
  }
  const current = found === null ? null : await slot.read();
  let held = claim();
  let etag = await slot.write(held, current?.etag ?? null);
  if (etag === null) throw busy(thing, (await slot.read())?.held ?? null);
  let lost = false;
  const renew = async () => {
    const claimed = claim();
    const written = await slot.write(claimed, etag);
    if (written === null) lost = true;
    else [held, etag] = [claimed, written];
  };
  let renewed = Promise.resolve();
  /** After the one that is under way: it changes the ETag. */
  const renewNext = () => {
    const next = renewed.then(renew);
    renewed = next.catch(() => undefined);
    return next;
  };
  // The bucket may not answer for a moment; what became of the lease is asked again when it matters.
  const renewing = setInterval(() => void renewNext().catch(() => undefined), renewMs);
  renewing.unref();
  return {
    async insist() {
      if (!lost && Date.parse(held.until) <= Date.now()) await renewNext();
      if (lost) throw busy(thing, null);
    },
    async release() {
      clearInterval(renewing);
      await renewed;
      // Left as it is when it cannot be given back: it runs out by itself.
      if (!lost) await slot.write({ ...held, until: null }, etag).catch(() => null);
    },
  };
}

/** Waits for the lease of a run that may be dead. One that is renewed meanwhile belongs to a living run: refused. */
async function expectEnd(
  slot: Slot,
  { held, etag }: { held: Held; etag: string },
  thing: string,
  { progress, signal }: Pick<Context, "progress" | "signal">,
): Promise<void> {
  progress.note(
    `${held.doing} (process ${held.pid} on ${held.host}) is at work, or died less than ${leaseMs / 1000} s ago`,
  );
  for (;;) {
    await delay(500, undefined, { signal });
    const now = await slot.read();
    if (now !== null && now.etag !== etag && isAlive(now.held)) throw busy(thing, now.held);
    if (now === null || !isAlive(now.held)) return;
  }
}

function isAlive({ host, pid, until }: Held): boolean {
  if (until === null || Date.parse(until) < Date.now()) return false;
  return host !== hostname() || isProcessAlive(pid);
}

function busy(thing: string, held: Held | null): OperationError {
  const who = held === null ? "another run" : `${held.doing} (process ${held.pid} on ${held.host})`;
  return new OperationError("refused", {
    where: thing,
    what: `${who} is at work on it.`,
    next: "Wait for its end, then run again.",
  });
}

/** One object that is read and replaced under its ETag. */
class Slot {
  readonly #storage: S3Client;
  readonly #place: { readonly Bucket: string; readonly Key: string };

  constructor(storage: S3Client, bucket: string, key: string) {
    this.#storage = storage;
    this.#place = { Bucket: bucket, Key: key };
  }

  async read(): Promise<{ held: Held; etag: string } | null> {
    try {
      const { Body, ETag = "" } = await this.#storage.send(new GetObjectCommand(this.#place));
      return { held: Held.parse(JSON.parse((await Body?.transformToString()) ?? "null")), etag: ETag };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw this.#failure(error);
    }
  }

  /** Replaces what has this ETag (null: nothing), and returns the new one; null when something else is there. */
  async write(held: Held, etag: string | null): Promise<string | null> {
    try {
      const { ETag = "" } = await this.#storage.send(
        new PutObjectCommand({
          ...this.#place,
          Body: JSON.stringify(held),
          ContentType: "application/json",
          ...(etag === null ? { IfNoneMatch: "*" } : { IfMatch: etag }),
        }),
      );
      return ETag;
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status !== 412 && status !== 409) throw this.#failure(error);
      // The SDK repeats a write whose answer got lost: then it is this one that is there.
      const now = await this.read();
      return isDeepStrictEqual(now?.held, held) ? (now?.etag ?? null) : null;
    }
  }

  #failure(error: unknown): OperationError {
    const answered = error instanceof S3ServiceException;
    return new OperationError(
      answered ? "failed" : "unreachable",
      {
        where: `bucket ${this.#place.Bucket}, ${this.#place.Key}`,
        what: answered
          ? `was answered with ${error.$metadata.httpStatusCode ?? "no status"} ${error.name}.`
          : `gave no answer: ${error instanceof Error ? error.message : String(error)}.`,
        next: "Check AWS_ENDPOINT_URL and the credentials' rights on the bucket, then run again.",
      },
      { cause: error },
    );
  }
}
