import assert from "node:assert/strict";

/** A figure of the demo: a number with its unit in the name, a text, or whether something holds. */
export type Figure = number | string | boolean | null;

/** One thing the demo says, with what was measured for it. */
export interface Claim {
  readonly name: string;
  readonly ok: boolean;
  readonly figures: Readonly<Record<string, Figure>>;
  /** Why it does not hold. */
  readonly problem?: string;
}

/** Measures, then checks. A check that throws makes the claim false and keeps the figures. */
export function claim<Figures extends Record<string, Figure>>(
  name: string,
  figures: Figures,
  check: (figures: Figures) => void,
): Claim {
  try {
    check(figures);
    return { name, ok: true, figures };
  } catch (error) {
    return { name, ok: false, figures, problem: error instanceof Error ? error.message : String(error) };
  }
}

export { assert };
