import { z } from "zod";

/**
 * A fault that tests and the demo ask for. It applies to the next `times` matching requests (1 when left out).
 *
 * - `respond`: this status and body.
 * - `hang`: no answer until the client gives up or the server closes.
 * - `drop`: the connection is closed without an answer.
 * - `ok-but-nothing-done`: 200 with `body`, and nothing happens.
 *
 * With `after: true` the request is carried out first, and then its answer is replaced: what a client sees when the network breaks late.
 */
const Fault = z.strictObject({
  match: z.strictObject({
    method: z.string().toUpperCase().optional(),
    /** A regular expression over the path, for example `^/api/v1/deploy$`. */
    path: z.string(),
  }),
  effect: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("respond"),
      status: z.int().min(200).max(599),
      body: z.json().optional(),
      headers: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({ kind: z.literal("hang") }),
    z.strictObject({ kind: z.literal("drop") }),
    z.strictObject({ kind: z.literal("ok-but-nothing-done"), body: z.json().optional() }),
  ]),
  after: z.boolean().default(false),
  times: z.int().min(1).default(1),
});
export type Fault = z.infer<typeof Fault>;

/** The faults that are still to happen. Kept in memory only: a restart forgets them. */
export class Faults {
  #waiting: { fault: Fault; pattern: RegExp; left: number }[] = [];

  /** Adds one fault or a list. Throws a ZodError, or a SyntaxError for a bad pattern. */
  add(input: unknown): Fault[] {
    const faults = z.union([z.array(Fault), Fault.transform((fault) => [fault])]).parse(input);
    const compiled = faults.map((fault) => ({ fault, pattern: new RegExp(fault.match.path), left: fault.times }));
    this.#waiting.push(...compiled);
    return faults;
  }

  /** Forgets all. */
  clear(): void {
    this.#waiting = [];
  }

  /** The fault of this request, which uses it up once. */
  take(method: string, path: string): Fault | undefined {
    const found = this.#waiting.find(
      ({ fault, pattern }) => (fault.match.method ?? method) === method && pattern.test(path),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#waiting = this.#waiting.filter((entry) => entry !== found);
    return found.fault;
  }
}
