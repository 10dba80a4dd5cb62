import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { BackendAgent } from "./backend-agent.ts";
import { watchDocker } from "./docker-provider.ts";
import { answerText, type Exchange } from "./exchange.ts";
import { clientAddress, requestHeaders } from "./request-headers.ts";
import { route, type RoutingState } from "./routing.ts";
import { routingPath, type RequestFacts } from "./rule.ts";

export interface ProxyOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly docker: { readonly host: string; readonly port: number };
  /** The Docker network whose addresses are used. Default: `coolify`. */
  readonly network?: string;
  /** The name by which routers ask for this port. Default: `http`. */
  readonly entryPoint?: string;
  /** Default: 2000, as Traefik's providersThrottleDuration. */
  readonly throttleMs?: number;
  /** Default: standard error. */
  readonly log?: (line: string) => void;
}

export interface Proxy {
  readonly url: string;
  readonly port: number;
  /** The configuration at work. Also served as JSON at `/_sandbox/state`, to requests for the address itself. */
  state(): RoutingState;
  close(): Promise<void>;
}

const statePath = "/_sandbox/state";
const idleMs = 180_000;

/** Routes by the labels of running containers, as Traefik 3.5's docker provider does: see README.md for what it does and does not do. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { docker, network = "coolify", entryPoint = "http", throttleMs = 2_000 } = options;
  const log = options.log ?? ((line: string) => console.error(line));
  const agent = new BackendAgent();
  let routing = route({ routers: {}, services: {}, middlewares: {} }, entryPoint, agent, log);
  // Traefik's entry points: 60 s for a whole request, 180 s for an idle connection.
  const server = createServer({ requestTimeout: 60_000, keepAliveTimeout: idleMs, noDelay: true });

  const answer = async (request: IncomingMessage, socket: Duplex, response: ServerResponse | null, head: Buffer) => {
    // The absolute form (RFC 9112, 3.2.2) is for proxies that clients know of.
    const target = (request.url ?? "/").replace(/^https?:\/\/[^/]+/i, "");
    const facts = factsOf(request, target);
    const upgrade = response === null;
    const exchange: Exchange = {
      request,
      response,
      socket,
      head,
      facts,
      target,
      headers: requestHeaders(request, upgrade),
      mayRetry: false,
      onHead: [],
      onBody: [],
    };
    const own = target === statePath && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(facts.host);
    const handle = own ? null : routing.find(facts);
    if (handle !== null) await handle(exchange);
    else if (own && response !== null)
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(routing.state()));
    else answerText(exchange, 404, "404 page not found\n");
  };
  /** Connections that switched protocols: the server does not know them any more. */
  const switched = new Set<Duplex>();
  const failed = (socket: Duplex) => (error: unknown) => {
    log(`Unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    socket.destroy();
  };
  server.on("request", (request, response) => {
    void answer(request, request.socket, response, Buffer.alloc(0)).catch(failed(request.socket));
  });
  server.on("upgrade", (request, socket, head) => {
    // A client that leaves is no failure of ours.
    socket.on("error", () => undefined);
    switched.add(socket);
    socket.once("close", () => switched.delete(socket));
    void answer(request, socket, null, head).catch(failed(socket));
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");

  const stopWatching = watchDocker({
    docker,
    network,
    throttleMs,
    log,
    apply(definitions) {
      const next = route(definitions, entryPoint, agent, log);
      routing.close();
      routing = next;
    },
  });
  return {
    url: `http://${options.host}:${address.port}`,
    port: address.port,
    state: () => routing.state(),
    async close() {
      stopWatching();
      routing.close();
      server.closeAllConnections();
      for (const socket of switched) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      agent.destroy();
    },
  };
}

function factsOf(request: IncomingMessage, target: string): RequestFacts {
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  return {
    host: (request.headers.host ?? "").toLowerCase().replace(/:\d+$/, ""),
    method: request.method ?? "",
    path: routingPath(path),
    get query() {
      return new URLSearchParams(question < 0 ? "" : target.slice(question + 1));
    },
    clientAddress: clientAddress(request),
    header: (name) => request.headersDistinct[name] ?? [],
  };
}
