/**
 * How often a property is tried, and from which seed: AFFEXAI_PROPERTY_RUNS makes the run long, AFFEXAI_PROPERTY_SEED repeats one.
 * The seed belongs in the test's name, so that it is known whatever happens.
 */
export function propertyRuns(few: number): { readonly numRuns: number; readonly seed: number } {
  const number = (name: string) => {
    const value = process.env[name] ?? "";
    return /^-?\d+$/.test(value) ? Number(value) : undefined;
  };
  return {
    numRuns: number("AFFEXAI_PROPERTY_RUNS") ?? few,
    seed: number("AFFEXAI_PROPERTY_SEED") ?? Math.floor(Math.random() * 2 ** 31),
  };
}
