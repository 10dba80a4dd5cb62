import { randomInt } from "node:crypto";

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** A public id: 24 lower-case letters and digits (Coolify 379abb2, new_public_id in bootstrap/helpers/shared.php). */
export function newPublicId(length = 24): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
}

/** A generated password of letters and digits (Coolify 379abb2, bootstrap/helpers/databases.php). */
export function newPassword(length = 64): string {
  const alphabet = letters + letters.toUpperCase();
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** The time as Laravel writes it: six decimals, UTC. */
export function timestamp(time = new Date()): string {
  return time.toISOString().replace(/\.(\d{3})Z$/, ".$1000Z");
}
