import { timingSafeEqual } from "node:crypto";
import { isIP, BlockList } from "node:net";
import type { Coolify } from "../context.ts";
import { Refusal, refuse } from "./reply.ts";
import type { Ability, Token } from "./request.ts";
import type { Route } from "./route.ts";

const memberMayNot: Ability[] = ["root", "write", "write:sensitive", "deploy", "read:sensitive", "delete"];

/** The token of an Authorization header, or a 401. */
export function authenticate(tokens: readonly Token[], header: string | undefined): Token {
  const sent = /^Bearer (.+)$/i.exec(header ?? "")?.[1];
  const token = sent === undefined ? undefined : tokens.find((known) => same(known.token, sent));
  if (token === undefined) throw refuse(401, "Unauthenticated.");
  return token;
}

/**
 * The checks between authentication and the handler, in Coolify's order: team role, API switch and addresses, ability.
 * Source: Coolify 379abb2, app/Http/Middleware/{EnsureTokenBelongsToCurrentTeamMember,ApiAllowed,ApiAbility}.php. Switched off, the
 * body says `success: true` all the same.
 */
export function authorise(coolify: Coolify, token: Token, route: Route, address: string): void {
  if (token.role === "member" && token.abilities.some((ability) => memberMayNot.includes(ability))) {
    throw refuse(403, "Missing required team role.");
  }
  const { apiEnabled, allowedIps } = coolify.store.state;
  if (route.whenDisabled !== true) {
    if (!apiEnabled) throw new Refusal(403, { success: true, message: "API is disabled." });
    if (!addressAllowed(allowedIps, address)) {
      throw new Refusal(403, { success: true, message: "You are not allowed to access the API." });
    }
  }
  const needed = neededAbility(coolify, route);
  if (!can(token, needed)) throw refuse(403, `Missing required permissions: ${needed}`);
}

/** True when the token holds the ability; read:sensitive implies read, root everything. */
export function can(token: Token, ability: Ability): boolean {
  const { abilities } = token;
  return (
    abilities.includes("root") ||
    abilities.includes(ability) ||
    (ability === "read" && abilities.includes("read:sensitive"))
  );
}

/** Every DELETE needs `delete` from 4.6; logs need read:sensitive from 4.4. */
function neededAbility(coolify: Coolify, route: Route): Ability {
  if (route.method === "DELETE" && coolify.version.atLeast("4.6")) return "delete";
  if (route.path.endsWith("/logs") && coolify.version.atLeast("4.4")) return "read:sensitive";
  return route.ability;
}

function addressAllowed(allowed: string, address: string): boolean {
  const entries = allowed
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0 || entries.includes("0.0.0.0")) return true;
  const list = new BlockList();
  for (const entry of entries) {
    const [network = "", mask] = entry.split("/");
    const family = isIP(network) === 6 ? "ipv6" : "ipv4";
    if (isIP(network) === 0) continue;
    if (mask === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(mask), family);
  }
  const plain = address.replace(/^::ffff:/, "");
  return list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
}

function same(known: string, sent: string): boolean {
  const [left, right] = [Buffer.from(known), Buffer.from(sent)];
  return left.length === right.length && timingSafeEqual(left, right);
}
