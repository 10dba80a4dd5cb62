import { z } from "zod";
import type { CoolifyRequest } from "./client.ts";
import { atLeast, fieldSince, type Version } from "./version.ts";

/**
 * `errors` names fields, with a string or a list each; some handlers answer a bare list of sentences or field names instead
 * (379abb2, app/Exceptions/Handler.php and DatabasesController.php). `conflicts` says who holds a domain (bootstrap/helpers/domains.php).
 */
export const ErrorBody = z.object({
  message: z.string().optional(),
  docs: z.string().optional(),
  errors: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).optional(),
  conflicts: z
    .array(
      z.object({
        domain: z.string(),
        resource_name: z.string().nullish(),
        resource_uuid: z.string().nullish(),
        resource_type: z.string().nullish(),
      }),
    )
    .optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

export type Ability = "read" | "write" | "deploy" | "delete";

/** What a request asks of its token; from 4.6 a DELETE asks for an ability of its own (release notes). */
export function abilityFor({ method, path }: CoolifyRequest): Ability {
  if (method === "GET") return "read";
  if (method === "DELETE") return "delete";
  return /^\/deploy\b|\/(start|stop|restart|cancel)(\?|$)/.test(path) ? "deploy" : "write";
}

/** What a refusal (401, 403) is about: everything that the token asks, or the ability that Coolify names. */
export function refusalScope(status: number, { message = "" }: ErrorBody): string {
  const [, missing] = /permissions:?\s*([\w:]+)/i.exec(message) ?? [];
  return status === 403 && missing !== undefined ? missing : "all";
}

/** The fields that an answer complains of, as `field: words`. */
export function complaints({ errors }: ErrorBody): string[] {
  if (Array.isArray(errors)) return errors;
  return Object.entries(errors ?? {}).map(([field, text]) => `${field}: ${[text].flat().join(" ")}`);
}

/** Who holds what was asked for, as Coolify says it. */
export function holders({ conflicts = [] }: ErrorBody): string[] {
  return conflicts.map(
    ({ domain, resource_name: name, resource_uuid: uuid, resource_type: type }) =>
      `${domain} is held by ${[type, name, uuid === undefined || uuid === null ? undefined : `(${uuid})`].filter(Boolean).join(" ")}`,
  );
}

/** What to do about an answer that is not a success. `version` sharpens it where it is known. */
export function remedy(request: CoolifyRequest, status: number, body: ErrorBody, version: Version | undefined): string {
  switch (status) {
    case 400:
      return ofBadRequest(body.message ?? "");
    case 401:
      return "Set COOLIFY_TOKEN to a valid token, the number and the pipe included.";
    case 403:
      return ofForbidden(body.message ?? "");
    case 404:
      return body.docs === undefined
        ? "It is gone, or belongs to another team than the token's."
        : "This Coolify does not know the route: upgrade it to 4.4.7 or newer.";
    case 409:
      return body.conflicts === undefined
        ? "Something else holds this name, or the resource is busy; look at it in Coolify."
        : "Take the domain away from what holds it in Coolify, or declare another host.";
    case 422:
      return ofFields(body, version);
    case 429:
      return isQueueFull(request, body)
        ? "Wait for deployments on this server to end, cancel some in Coolify, or raise the server's deployment queue limit."
        : "Wait a minute and run again, or raise API_RATE_LIMIT on the server.";
    default:
      return "Look at Coolify's own log; the same command can be run again.";
  }
}

/**
 * A 429 that is about the server's deployment queue instead of the number of requests: the throttle of Laravel says "Too Many
 * Attempts." and nothing else (379abb2, DeployController.php and bootstrap/helpers/applications.php).
 */
export function isQueueFull(request: CoolifyRequest, { message = "" }: ErrorBody): boolean {
  return abilityFor(request) === "deploy" && /queue/i.test(message);
}

function ofBadRequest(message: string): string {
  if (/multiple destinations/i.test(message))
    return "Name one of the server's destinations in the setting `destination`.";
  if (/team/i.test(message)) return "Make a new token in the team that is to own everything.";
  return "Look at the resource in Coolify; what was asked does not fit its state.";
}

function ofForbidden(message: string): string {
  if (/disabled/i.test(message))
    return "Turn on API access in Coolify under Settings, Configuration, Advanced, then run again.";
  if (/not allowed to access/i.test(message))
    return "Add this machine's address to the allowed ones in Coolify under Settings, Configuration, Advanced.";
  if (/team role/i.test(message))
    return "Make the token as an owner or admin of the team: a member's token may only read.";
  const [, missing] = /permissions:?\s*(.+)$/i.exec(message) ?? [];
  const needed =
    "a token needs the abilities read, read:sensitive, write and deploy, and from Coolify 4.6 also delete, or root";
  return missing === undefined
    ? `Look at what the token may do in Coolify under Keys & Tokens: ${needed}.`
    : `Make a token that has ${missing.replace(/\.$/, "")} in Coolify under Keys & Tokens: ${needed}.`;
}

function ofFields({ errors }: ErrorBody, version: Version | undefined): string {
  const unknown =
    errors === undefined || Array.isArray(errors)
      ? []
      : Object.entries(errors).flatMap(([field, text]) =>
          /not allowed/i.test([text].flat().join(" ")) ? [field] : [],
        );
  const later = unknown.flatMap((field) => {
    const from = fieldSince(field);
    if (from === undefined || (version !== undefined && atLeast(version, from))) return [];
    return [`${field} is known from Coolify ${from.join(".")}`];
  });
  if (later.length > 0) {
    const own = version === undefined ? "" : `; this one is ${version.join(".")}`;
    return `${later.join(", ")}${own}: upgrade Coolify.`;
  }
  return "Correct the named fields; a field unknown to this version refuses the whole request.";
}
