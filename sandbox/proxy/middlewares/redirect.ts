import { STATUS_CODES } from "node:http";
import type { Middleware } from "../definition.ts";
import { sendWhole, type Exchange, type Handler } from "../exchange.ts";

type Kind<Name extends Middleware["kind"]> = Extract<Middleware, { kind: Name }>;

/** Sends a client to the same address under another scheme; with the scheme that it came by, the request goes on. */
export function redirectScheme({ scheme, port, permanent }: Kind<"redirectscheme">, next: Handler): Handler {
  if (scheme === "") throw new Error("you must provide a target scheme");
  const isDefault = (scheme === "http" && port === "80") || (scheme === "https" && port === "443");
  const suffix = port === "" || isDefault ? "" : `:${port}`;
  return (exchange) => {
    const current = addressOf(exchange);
    const wanted = current.replace(/^(https?:\/\/)?(\[[\w:.]+\]|[\w._-]+)?(:\d+)?(.*)$/s, `${scheme}://$2${suffix}$4`);
    return wanted === current ? next(exchange) : redirect(exchange, wanted, permanent);
  };
}

/** Sends a client to the address that a regular expression makes of its own, if it matches. */
export function redirectRegex({ regex, replacement, permanent }: Kind<"redirectregex">, next: Handler): Handler {
  const pattern = new RegExp(regex);
  // Go writes ${1} where JavaScript writes $1.
  const text = replacement.replace(/\$\{(\d+)\}/g, "$$$1");
  return (exchange) => {
    const current = addressOf(exchange);
    const wanted = current.replace(pattern, text);
    return wanted === current ? next(exchange) : redirect(exchange, wanted, permanent);
  };
}

/** The address as the client knows it. */
function addressOf({ request, target }: Exchange): string {
  return `http://${(request.headers.host ?? "").replace(/:80$/, "")}${target}`;
}

async function redirect(exchange: Exchange, location: string, permanent: boolean): Promise<"answered"> {
  const get = exchange.request.method === "GET";
  const status = permanent ? (get ? 301 : 308) : get ? 302 : 307;
  const text = STATUS_CODES[status] ?? "";
  sendWhole(
    exchange,
    { status, message: text, headers: ["Location", location, "Content-Length", `${text.length}`] },
    text,
  );
  return "answered";
}
