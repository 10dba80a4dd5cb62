import { randomInt } from "node:crypto";

const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** The official provider's own set (terraform-provider-random, internal/random/string.go). */
const special = "!@#$%&*()-_=+[]{}<>:?";

/** `length` characters, each equally likely. */
export function password(options: { length: number; special: boolean }): string {
  const characters = options.special ? lettersAndDigits + special : lettersAndDigits;
  return Array.from({ length: options.length }, () => characters[randomInt(characters.length)]).join("");
}
