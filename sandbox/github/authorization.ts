import { timingSafeEqual } from "node:crypto";

/** True when an Authorization header carries the token, as `Bearer`, `token`, or the password of `Basic`. */
export function isToken(header: string | undefined, token: string): boolean {
  const [scheme = "", credentials = ""] = (header ?? "").split(" ", 2);
  switch (scheme.toLowerCase()) {
    case "bearer":
    case "token":
      return same(credentials, token);
    case "basic":
      return same(Buffer.from(credentials, "base64").toString().split(":")[1] ?? "", token);
    default:
      return false;
  }
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
