import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands between a client and a server, passes everything on, and remembers the requests. */
export interface RecordingProxy {
  readonly url: string;
  /** `METHOD /path`, oldest first, without queries. */
  readonly requests: string[];
  /** When each came, ms of performance.now(). */
  readonly times: number[];
  /** Calls `act` when the next request of this form arrives, before it is passed on. Forgotten when it has happened, or by null. */
  when(expected: RegExp | null, act?: () => Promise<void> | void): void;
  /** Of the answers, in the order of their arrival. */
  readonly statuses: number[];
  close(): Promise<void>;
}

export async function recordRequests(target: string): Promise<RecordingProxy> {
  const requests: string[] = [];
  const times: number[] = [];
  let awaited: { expected: RegExp; act: () => Promise<void> | void } | null = null;
  const arrived = async (request: string) => {
    times.push(performance.now());
    requests.push(request);
    if (awaited?.expected.test(request) !== true) return;
    const { act } = awaited;
    awaited = null;
    await act();
  };
  const statuses: number[] = [];
  const passOn = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const passed = send(
      new URL(incoming.url ?? "/", target),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        statuses.push(answer.statusCode ?? 500);
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
        answer.on("error", () => outgoing.destroy());
      },
    );
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  };
  const server = createServer((incoming, outgoing) => {
    const request = `${incoming.method} ${(incoming.url ?? "").replace(/\?.*/, "")}`;
    void arrived(request).then(
      () => passOn(incoming, outgoing),
      (error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    times,
    when(expected, act = () => undefined) {
      awaited = expected === null ? null : { expected, act };
    },
    statuses,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
