import type { ServerResponse } from "node:http";
import { Transform, type TransformCallback } from "node:stream";
import { z } from "zod";

/**
 * One fault, as `POST /_sandbox/faults` takes it (one object or an array): the next `times` requests whose path contains `path`
 * fail in the way given. `status` answers with that code (and `retryAfterSeconds`); `dropAfterBytes` breaks the connection after
 * so many bytes of the answer's body; `corruptByte` changes the byte at that offset. `DELETE /_sandbox/faults` removes all.
 */
export const Fault = z.strictObject({
  path: z.string(),
  method: z.string().optional(),
  times: z.int().min(1).default(1),
  status: z.int().min(400).max(599).optional(),
  retryAfterSeconds: z.number().min(0).optional(),
  dropAfterBytes: z.int().min(0).optional(),
  corruptByte: z.int().min(0).optional(),
});
export type Fault = z.infer<typeof Fault>;

/** One fault or several, as the text of a request's body. */
export const FaultsText = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "must be JSON" });
      return z.NEVER;
    }
  })
  .pipe(z.union([z.array(Fault), Fault.transform((fault) => [fault])]));

/** The faults that wait to happen. */
export function faultQueue() {
  let waiting: Fault[] = [];
  return {
    add(faults: readonly Fault[]): void {
      waiting.push(...faults.map((fault) => ({ ...fault })));
    },
    clear(): void {
      waiting = [];
    },
    /** The fault for a request, if there is one; counts it. */
    take(method: string, path: string): Fault | undefined {
      const fault = waiting.find((each) => path.includes(each.path) && (each.method ?? method) === method);
      if (fault === undefined) return undefined;
      fault.times -= 1;
      if (fault.times === 0) waiting = waiting.filter((each) => each !== fault);
      return fault;
    },
  };
}

/** Lets an answer's body through, with the damage that the fault asks for. */
export function damage(fault: Fault, response: ServerResponse): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      const bytes = Buffer.from(chunk);
      const offset = (fault.corruptByte ?? -1) - passed;
      if (offset >= 0 && offset < bytes.length) bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
      const left = (fault.dropAfterBytes ?? Number.POSITIVE_INFINITY) - passed;
      passed += bytes.length;
      if (left >= bytes.length) {
        done(null, bytes);
      } else {
        // What was let through must reach the client before the connection goes.
        response.write(bytes.subarray(0, left), () => response.destroy());
      }
    },
  });
}
