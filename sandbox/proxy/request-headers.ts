import type { IncomingMessage } from "node:http";
import { hostname } from "node:os";

/** Headers that concern one connection only (RFC 9110, 7.6.1, and those that Go's ReverseProxy removes). */
const hopByHop = new Set([
  "connection",
  // The server of this proxy has answered it already.
  "expect",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What a client outside may not tell (pkg/middlewares/forwardedheaders: no address is trusted unless it is configured). */
const forwarded = new Set([
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-forwarded-tls-client-cert",
  "x-forwarded-tls-client-cert-info",
  "x-forwarded-uri",
  "x-real-ip",
]);

const ownName = hostname();

/** The headers to send on: the client's, without those of its connection, and with where it came from. */
export function requestHeaders(request: IncomingMessage, upgrade: boolean): string[] {
  const address = clientAddress(request);
  const host = request.headers.host ?? "";
  const port = /:(\d+)$/.exec(host)?.[1] ?? "80";
  return [
    ...withoutHopByHop(request.rawHeaders, (name) => forwarded.has(name)),
    ...["X-Forwarded-For", address, "X-Forwarded-Host", host, "X-Forwarded-Port", port],
    ...["X-Forwarded-Proto", upgrade ? "ws" : "http", "X-Forwarded-Server", ownName, "X-Real-Ip", address],
    ...(upgrade ? ["Connection", "Upgrade", "Upgrade", request.headers.upgrade ?? ""] : []),
  ];
}

/** The client's address, IPv4 as IPv4. */
export function clientAddress(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
}

/** Raw headers without those of the connection, those that `Connection` names, and those that `also` picks. */
export function withoutHopByHop(rawHeaders: readonly string[], also: (name: string) => boolean): string[] {
  const named = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== "connection") continue;
    for (const token of (rawHeaders[index + 1] ?? "").split(",")) named.add(token.trim().toLowerCase());
  }
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || also(lower)) continue;
    kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}
