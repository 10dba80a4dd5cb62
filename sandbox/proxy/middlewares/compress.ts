import { constants, createGzip } from "node:zlib";
import type { Middleware } from "../definition.ts";
import { headerOf, withHeader, type Handler, type ResponseHead } from "../exchange.ts";

/** Compresses with gzip what the client takes and what is not compressed already, unless it is known to be small. (Traefik also knows brotli and zstd.) */
export function compress({ minimumBytes }: Extract<Middleware, { kind: "compress" }>, next: Handler): Handler {
  return (exchange) => {
    const accepted = exchange.facts.header("accept-encoding").join(",");
    if (exchange.response !== null && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(accepted)) {
      exchange.onBody.push((head) => {
        head.headers = [...head.headers, "Vary", "Accept-Encoding"];
        if (exchange.request.method === "HEAD" || !isCompressible(head, minimumBytes)) return undefined;
        head.headers = withHeader(withHeader(head.headers, "Content-Length", ""), "Content-Encoding", "gzip");
        // Everything that came is passed on at once: an answer may be a stream of events.
        return createGzip({ flush: constants.Z_SYNC_FLUSH });
      });
    }
    return next(exchange);
  };
}

function isCompressible({ status, headers }: ResponseHead, minimumBytes: number): boolean {
  if (status < 200 || status === 204 || status === 206 || status === 304) return false;
  if (headerOf(headers, "content-encoding") !== undefined) return false;
  if (headerOf(headers, "content-type")?.startsWith("application/grpc") === true) return false;
  const length = headerOf(headers, "content-length");
  return length === undefined || Number(length) >= minimumBytes;
}
