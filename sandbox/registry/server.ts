import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { RegistryError } from "./errors.ts";
import { readBody, sendJson, type Exchange } from "./exchange.ts";
import { faultQueue, FaultsText } from "./faults.ts";
import { findRoute } from "./routes.ts";
import { openStore } from "./store.ts";
import { tokenAuthority } from "./tokens.ts";

export interface RegistryOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where everything is kept; a restart finds it again. */
  readonly dir: string;
  readonly username: string;
  readonly password: string;
  /** Told of every answer: for logs, and for tests that count. */
  onAnswer?(answer: { method: string; path: string; status: number }): void;
}

export interface Registry {
  /** `http://<host>:<port>`. */
  readonly url: string;
  /** `<host>:<port>`: the first part of an image reference. */
  readonly host: string;
  close(): Promise<void>;
}

/**
 * Starts an OCI registry (distribution specification 1.1) that behaves as ghcr.io: Bearer tokens, OCI and Docker media types,
 * relative upload locations, no deletion. Content is verified by digest before it gets a name, on disk, by one rename.
 */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const store = await openStore(options.dir);
  const authority = tokenAuthority(options);
  const faults = faultQueue();

  async function answer(exchange: Exchange): Promise<void> {
    const { request, url, fault } = exchange;
    const method = request.method ?? "GET";
    if (url.pathname === "/_sandbox/faults") {
      await changeFaults(exchange, method);
    } else if (fault?.status !== undefined) {
      const error = {
        code: fault.status === 429 ? "TOOMANYREQUESTS" : "UNAVAILABLE",
        message: "a fault that was asked for",
      };
      await sendJson(
        exchange,
        fault.status,
        { errors: [error] },
        { "retry-after": fault.retryAfterSeconds?.toString() },
      );
    } else if (url.pathname === "/token" && method === "GET") {
      await sendJson(exchange, 200, authority.issue(request, url));
    } else {
      const route = findRoute(method, url.pathname);
      authority.authorize(request, route.need);
      await route.handle(exchange);
    }
  }

  async function changeFaults(exchange: Exchange, method: string): Promise<void> {
    if (method === "DELETE") faults.clear();
    else {
      const body = FaultsText.safeParse(String(await readBody(exchange.request, 1024 * 1024)));
      if (!body.success) return await sendJson(exchange, 400, { message: z.prettifyError(body.error) });
      faults.add(body.data);
    }
    await sendJson(exchange, 200, {});
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://registry");
    const method = request.method ?? "GET";
    const fault = url.pathname.startsWith("/_sandbox/") ? undefined : faults.take(method, url.pathname);
    const exchange: Exchange = { store, request, response, url, fault };
    try {
      await answer(exchange);
    } catch (error) {
      await fail(exchange, error);
    }
    options.onAnswer?.({ method, path: url.pathname, status: response.statusCode });
  }

  const server = createServer((request, response) => {
    // What fails here is an answer to a client that has gone.
    serve(request, response).catch(() => response.destroy());
  });
  // Longer than a client's own limit for idle connections, so that it never sends into one that is being closed.
  server.keepAliveTimeout = 65_000;
  server.listen(options.port, options.host);
  await once(server, "listening");
  const host = `${options.host}:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function fail(exchange: Exchange, error: unknown): Promise<void> {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    // Too late to say anything: the client must see that the body is not whole.
    response.destroy();
    return;
  }
  if (error instanceof RegistryError) {
    await sendJson(exchange, error.status, error, error.headers);
    return;
  }
  process.stderr.write(`registry: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  await sendJson(exchange, 500, { errors: [{ code: "UNKNOWN", message: "unknown error" }] });
}
