import { isUtf8 } from "node:buffer";
import { invalid } from "../http/reply.ts";
import type { Json } from "../json.ts";

/** True for canonical base64 with padding (Coolify 379abb2, isBase64Encoded in bootstrap/helpers/shared.php). */
export function isBase64(value: Json | undefined): value is string {
  return typeof value === "string" && Buffer.from(value, "base64").toString("base64") === value;
}

/** The decoded text, or a 422 that names the field with a bare string. */
export function requireBase64(value: Json | undefined, field: string): string {
  if (isBase64(value)) {
    const bytes = Buffer.from(value, "base64");
    if (isUtf8(bytes)) return bytes.toString("utf8");
  }
  throw invalid({ [field]: `The ${field} should be base64 encoded.` });
}
