import { setTimeout as pause } from "node:timers/promises";
import type { Middleware } from "../definition.ts";
import { withHeader, type Exchange, type Handler, type Outcome } from "../exchange.ts";
import { compress } from "./compress.ts";
import { redirectRegex, redirectScheme } from "./redirect.ts";

/** Puts a middleware in front of a handler. Throws when its definition makes no sense, as Traefik does; its routers then have no handler. */
export function withMiddleware(definition: Middleware, next: Handler): Handler {
  switch (definition.kind) {
    case "retry":
      return retry(definition, next);
    case "headers":
      return headers(definition, next);
    case "redirectscheme":
      return redirectScheme(definition, next);
    case "redirectregex":
      return redirectRegex(definition, next);
    case "stripprefix":
      return stripPrefix(definition, next);
    case "addprefix":
      return (exchange) => {
        exchange.target = `${definition.prefix}${exchange.target}`;
        return next(exchange);
      };
    case "compress":
      return compress(definition, next);
  }
}

type Kind<Name extends Middleware["kind"]> = Extract<Middleware, { kind: Name }>;

/**
 * Repeats what no server got any of: the connection could not be made (Traefik 3.5.0, pkg/middlewares/retry/retry.go: once the request's headers were written to
 * a server, there is no further attempt, whatever it answers). Attempts are apart by a growing, randomised interval.
 */
function retry({ attempts, initialIntervalMs }: Kind<"retry">, next: Handler): Handler {
  if (attempts <= 0) throw new Error(`incorrect (or empty) value for attempt (${attempts})`);
  const growth = attempts > 1 ? 2 ** (1 / (attempts - 1)) : 1;
  return async (exchange) => {
    for (let attempt = 1; ; attempt += 1) {
      exchange.mayRetry = attempt < attempts;
      if ((await next(exchange)) === "answered") return "answered";
      const intervalMs = initialIntervalMs * growth ** (attempt - 1) * (0.5 + Math.random());
      if (intervalMs > 0) await pause(intervalMs);
      if (exchange.socket.destroyed) return "answered";
    }
  };
}

function headers({ request, response }: Kind<"headers">, next: Handler): Handler {
  return (exchange) => {
    for (const [name, value] of Object.entries(request)) exchange.headers = withHeader(exchange.headers, name, value);
    if (Object.keys(response).length > 0) {
      exchange.onHead.push((head) => {
        for (const [name, value] of Object.entries(response)) head.headers = withHeader(head.headers, name, value);
      });
    }
    return next(exchange);
  };
}

function stripPrefix({ prefixes, forceSlash }: Kind<"stripprefix">, next: Handler): Handler {
  return (exchange: Exchange): Promise<Outcome> => {
    const prefix = prefixes.find((candidate) => exchange.target.startsWith(candidate));
    if (prefix !== undefined) {
      const rest = exchange.target.slice(prefix.length);
      const path = rest.startsWith("/") ? rest : `/${rest}`;
      exchange.target = forceSlash ? `/${rest.replace(/^\//, "")}` : path;
      exchange.headers = [...exchange.headers, "X-Forwarded-Prefix", prefix.trim()];
    }
    return next(exchange);
  };
}
