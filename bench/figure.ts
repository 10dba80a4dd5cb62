/** One measured figure with the bound that it must keep. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** In words, for example `<= 2`. Null for a figure that is only reported. */
  readonly bound: string | null;
  readonly ok: boolean;
}

/** A figure that is only reported. */
export function reported(name: string, value: number, unit: string): Figure {
  return { name, value: round(value), unit, bound: null, ok: true };
}

/** A figure that must be at most `most`. */
export function atMost(name: string, value: number, unit: string, most: number): Figure {
  return { name, value: round(value), unit, bound: `<= ${most}`, ok: value <= most };
}

/** A figure that must be at least `least`. */
export function atLeast(name: string, value: number, unit: string, least: number): Figure {
  return { name, value: round(value), unit, bound: `>= ${least}`, ok: value >= least };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error("the median of nothing");
  return (low + high) / 2;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
