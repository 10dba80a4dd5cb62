import { OperationError } from "../error.ts";
import type { Comparison } from "../coolify/differences.ts";

/** One thing to look at. */
export interface Part {
  /** The command resource's name. */
  readonly resource: string;
  /** For people: `application backend`. */
  readonly title: string;
  look(): Promise<Comparison>;
}

/** What a part came to: a comparison, or why there is none. */
export type Looked = { readonly part: Part } & ({ readonly comparison: Comparison } | { readonly reason: string });

/** An expected failure of one part keeps no other from being looked at. */
export async function look(part: Part, signal: AbortSignal): Promise<Looked> {
  try {
    return { part, comparison: await part.look() };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OperationError)) throw error;
    return { part, reason: error.message };
  }
}
