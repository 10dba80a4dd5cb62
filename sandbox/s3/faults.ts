import { setTimeout as after } from "node:timers/promises";
import { z } from "zod";
import { fitsWildcard } from "./access/wildcard.ts";

/** A fault to play. Which requests it meets: all that fit every given pattern (`*` and `?`), `times` of them. */
export const Fault = z.strictObject({
  /** Name in the S3 API Reference, such as `UploadPart`, or a pattern. */
  operation: z.string().default("*"),
  bucket: z.string().default("*"),
  key: z.string().default("*"),
  /** Only parts with this number. */
  partNumber: z.int().positive().optional(),
  /** How many requests it meets before it is used up; null for every one. */
  times: z.int().positive().nullable().default(1),
  action: z.discriminatedUnion("kind", [
    /** Answers with an error instead of doing anything. */
    z.strictObject({
      kind: z.literal("status"),
      status: z.int().min(400).max(599).default(503),
      code: z.string().default("SlowDown"),
      message: z.string().default("Please reduce your request rate."),
    }),
    /** Cuts the connection: while the request's body comes in, or, after the operation was done, while its answer goes out. */
    z.strictObject({
      kind: z.literal("drop"),
      direction: z.enum(["request", "response"]).default("request"),
      afterBytes: z.int().nonnegative().default(0),
    }),
    /** Slows the request's body and the answer's down to this rate. */
    z.strictObject({ kind: z.literal("slow"), bytesPerSecond: z.int().positive() }),
  ]),
});
export type Fault = z.infer<typeof Fault>;
export type FaultAction = Fault["action"];

/** The body of `POST /_sandbox/faults`. */
export const FaultRequest = z.strictObject({ faults: z.array(Fault).min(1) });

/** What a request is, as far as faults are concerned. */
export interface Occasion {
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly partNumber: number | undefined;
}

/** The faults that are to be played, in order; the first that fits a request meets it. */
export class Faults {
  #planned: { fault: Fault; hits: number }[] = [];

  add(faults: readonly Fault[]): void {
    this.#planned.push(...faults.map((fault) => ({ fault, hits: 0 })));
  }

  clear(): void {
    this.#planned = [];
  }

  /** Every fault since the last clearing, with how often it was played. */
  list(): readonly (Fault & { hits: number })[] {
    return this.#planned.map(({ fault, hits }) => ({ ...fault, hits }));
  }

  /** The fault that this request meets, counted as played. */
  meet(occasion: Occasion): FaultAction | undefined {
    const planned = this.#planned.find(
      ({ fault, hits }) => (fault.times === null || hits < fault.times) && fits(fault, occasion),
    );
    if (planned === undefined) return undefined;
    planned.hits++;
    return planned.fault.action;
  }
}

function fits(fault: Fault, occasion: Occasion): boolean {
  return (
    fitsWildcard(fault.operation, occasion.operation) &&
    fitsWildcard(fault.bucket, occasion.bucket ?? "") &&
    fitsWildcard(fault.key, occasion.key ?? "") &&
    (fault.partNumber === undefined || fault.partNumber === occasion.partNumber)
  );
}

/** The connection was cut by a fault; there is nobody to answer. */
export class ConnectionDropped extends Error {
  override readonly name = "ConnectionDropped";
}

/** Passes bytes on as a fault wants: slowly, or only so many before `drop` is called. */
export async function* disturbed(
  pieces: AsyncIterable<Buffer>,
  action: FaultAction | undefined,
  direction: "request" | "response",
  drop: () => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  if (action?.kind === "slow") {
    for await (const piece of pieces) yield* slowly(piece, action.bytesPerSecond);
    return;
  }
  let rest = action?.kind === "drop" && action.direction === direction ? action.afterBytes : Infinity;
  if (rest === 0) await cut(drop);
  for await (const piece of pieces) {
    yield piece.subarray(0, rest);
    rest -= piece.length;
    if (rest <= 0) await cut(drop);
  }
}

async function cut(drop: () => Promise<void>): Promise<never> {
  await drop();
  throw new ConnectionDropped("A planned fault cut the connection.");
}

async function* slowly(piece: Buffer, bytesPerSecond: number): AsyncGenerator<Buffer, void, undefined> {
  const step = Math.max(1, Math.floor(bytesPerSecond / 20));
  for (let start = 0; start < piece.length; start += step) {
    const slice = piece.subarray(start, start + step);
    await after((slice.length / bytesPerSecond) * 1000);
    yield slice;
  }
}
