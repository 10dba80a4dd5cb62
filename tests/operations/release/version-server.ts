import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An application as users see it: answers its version path with what it is told to be. */
export interface VersionServer {
  readonly url: string;
  /** How many requests it has answered. */
  answered(): number;
  close(): Promise<void>;
}

export interface Answer {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Answers = (path: string, nth: number, asked: IncomingHttpHeaders) => Answer | undefined;

/** `answers` gives the answer to the nth request of a path (counted from 1 over all paths); undefined cuts the connection. */
export async function serve(answers: Answers): Promise<VersionServer> {
  let answered = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answered += 1;
    const answer = answers(request.url ?? "", answered, request.headers);
    if (answer === undefined) {
      request.socket.destroy();
      return;
    }
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers }).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered: () => answered,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
