import { z } from "zod";
import { fitsWildcard } from "../s3/access/wildcard.ts";

/** A fault to play: the answer with which the next `times` requests that fit are met, instead of being carried out. */
export const Fault = z.strictObject({
  method: z.string().default("*"),
  /** Path without its query and without `/api/v3`; `*` is any run of characters. */
  path: z.string().default("*"),
  /** Null for every one. */
  times: z.int().positive().nullable().default(1),
  status: z.int().min(400).max(599).default(502),
  message: z.string().default("Server Error"),
  /** Such as `retry-after`. */
  headers: z.record(z.string(), z.string()).default({}),
});
export type Fault = z.infer<typeof Fault>;

/** The body of `POST /_sandbox/faults`. */
export const FaultRequest = z.strictObject({ faults: z.array(Fault).min(1) });

/** The faults that are to be played; the first that fits a request meets it. */
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

  meet(method: string, path: string): Fault | undefined {
    const planned = this.#planned.find(
      ({ fault, hits }) =>
        (fault.times === null || hits < fault.times) &&
        fitsWildcard(fault.method, method) &&
        fitsWildcard(fault.path, path),
    );
    if (planned === undefined) return undefined;
    planned.hits++;
    return planned.fault;
  }
}
