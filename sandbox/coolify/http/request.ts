import { isFields, type Fields, type Json } from "../json.ts";
import { Refusal } from "./reply.ts";

export type Ability = "read" | "read:sensitive" | "write" | "write:sensitive" | "deploy" | "delete" | "root";

/** A personal access token. All tokens of one `user` share its rate limit. */
export interface Token {
  /** As sent in `Authorization: Bearer`, with its `<id>|` prefix if it has one. */
  token: string;
  abilities: Ability[];
  teamId: number;
  /** The owner's id; 0 when left out. */
  user?: number;
  /** The owner's role in the team; owner when left out. Members may only read. */
  role?: "owner" | "admin" | "member";
}

/** A request after authentication. */
export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Query and JSON body merged, the body winning; strings trimmed, empty ones null (Laravel's TrimStrings, ConvertEmptyStringsToNull). */
  readonly input: Fields;
  readonly body: RequestBody;
  readonly token: Token;
  readonly teamId: number;
  /** True when the token may see secrets: read:sensitive or root, held by an admin or owner. */
  readonly sensitive: boolean;
  /** True when the token holds the ability, or root. */
  can: (ability: Ability) => boolean;
}

/** What was sent as a body. */
export interface RequestBody {
  readonly contentType: string;
  readonly text: string;
}

/** The body as an object; anything else counts as no input, as in Laravel. */
export function bodyFields(body: RequestBody): Fields {
  if (!isJson(body.contentType)) return {};
  try {
    const value: unknown = JSON.parse(body.text);
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * Refuses what write routes refuse before anything else: a body that is not JSON, not valid, or empty (`{}` counts as empty).
 * Source: Coolify 379abb2, validateIncomingRequest in bootstrap/helpers/api.php.
 */
export function requireJson(request: ApiRequest): void {
  const refused = (error: string): Refusal => new Refusal(400, { message: "Invalid request.", error });
  if (!isJson(request.body.contentType)) throw refused("Content-Type must be application/json.");
  let value: unknown;
  try {
    value = JSON.parse(request.body.text);
  } catch {
    throw refused("Invalid JSON.");
  }
  if (!value || (Array.isArray(value) && value.length === 0)) throw refused("Invalid JSON.");
  if (isFields(value) && Object.keys(value).length === 0) throw refused("Empty JSON.");
}

/** Trims strings and turns empty ones into null, at any depth. Passwords by exactly these names are left alone. */
export function normalise(value: Json, key = ""): Json {
  if (typeof value === "string") {
    if (["current_password", "password", "password_confirmation"].includes(key)) return value === "" ? null : value;
    const trimmed = value.trim();
    return trimmed === "" ? null : trimmed;
  }
  if (Array.isArray(value)) return value.map((item) => normalise(item));
  if (isFields(value))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, normalise(item, name)]));
  return value;
}

/** Laravel's boolean(): 1, true, on and yes are true; missing is the fallback; all else is false. */
export function flag(input: Fields, name: string, fallback = false): boolean {
  const value = input[name];
  if (value === undefined || value === null) return name in input ? false : fallback;
  return value === true || value === 1 || (typeof value === "string" && /^(1|true|on|yes)$/i.test(value));
}

/** The value as text, or undefined when missing or null. Numbers become text, as PHP would. */
export function text(input: Fields, name: string): string | undefined {
  const value = input[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? `${value}` : undefined;
}

function isJson(contentType: string): boolean {
  return /[/+]json/i.test(contentType);
}
