import { InvalidArgumentError } from "commander";

/** An option's value as how many of something: a whole number, 1 or more. */
export function count(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number, 1 or more.");
}
