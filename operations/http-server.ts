import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpServer {
  /** The one that was asked for, or the free one that 0 found. */
  readonly port: number;
  /** Finishes the requests that are being answered, and ends. */
  close(): Promise<void>;
}

/** Above the 90 s for which Traefik keeps idle connections: whoever closes first must be the proxy, or a request is lost. */
const keepAliveMs = 95_000;

/** Serves on every interface. `answer` is given the path without its query; what it throws is a 500 without a word of why. */
export async function serveHttp(port: number, answer: (path: string) => Promise<HttpAnswer>): Promise<HttpServer> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    request.resume();
    const path = (request.url ?? "/").replace(/\?.*/s, "");
    void answer(path)
      .catch((): HttpAnswer => ({ status: 500, type: "text/plain", body: "failed\n" }))
      .then(({ status, type, body, headers }) => {
        response.writeHead(status, { "content-type": type, ...headers });
        response.end(request.method === "HEAD" ? undefined : body);
      });
  });
  server.listen(port);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeIdleConnections();
      await once(server, "close");
    },
  };
}
