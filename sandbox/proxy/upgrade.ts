import { request as send, STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { answerText, pairs, withHeader, type Exchange, type Outcome } from "./exchange.ts";
import type { Backend } from "./forward.ts";
import { withoutHopByHop } from "./request-headers.ts";

const dialMs = 30_000;

/** Sends a request to switch protocols on; once the server agrees, both connections become one. Its failures are those of `forward`. */
export function forwardUpgrade(exchange: Exchange, backend: Backend): Promise<Outcome> {
  const { request, socket, head } = exchange;
  const { host, port } = backend;
  const headers = backend.passHostHeader ? exchange.headers : withHeader(exchange.headers, "Host", `${host}:${port}`);
  // A connection of its own: it never goes back to the others.
  const sent = send({
    host,
    port,
    method: request.method,
    path: exchange.target,
    headers,
    agent: false,
    setHost: false,
  });
  let connected = false;
  sent.once("socket", (connection) => connection.once("connect", () => (connected = true)));
  const late = setTimeout(
    () => connected || sent.destroy(Object.assign(new Error("dial timeout"), { code: "ETIMEDOUT" })),
    dialMs,
  );
  const leave = () => void sent.destroy();
  socket.once("close", leave);
  return new Promise<Outcome>((resolve) => {
    sent.once("upgrade", (answer, server, first) => {
      socket.off("close", leave);
      write(socket, answer, pairs(answer.rawHeaders));
      join(socket, server, head, first);
      resolve("answered");
    });
    sent.once("response", (answer) => {
      write(socket, answer, [...pairs(withoutHopByHop(answer.rawHeaders, () => false)), ["Connection", "close"]]);
      answer.pipe(socket);
      answer.once("close", () => resolve("answered"));
    });
    sent.once("error", (error) => {
      if (socket.destroyed) return resolve("answered");
      if (!connected && exchange.mayRetry) return resolve("unsent");
      const timedOut = "code" in error && error.code === "ETIMEDOUT";
      resolve(timedOut ? answerText(exchange, 504, "Gateway Timeout") : answerText(exchange, 502, "Bad Gateway"));
    });
    sent.end();
  }).finally(() => clearTimeout(late));
}

function write(socket: Duplex, answer: IncomingMessage, headers: readonly [string, string][]): void {
  const status = answer.statusCode ?? 502;
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`HTTP/1.1 ${status} ${answer.statusMessage ?? STATUS_CODES[status] ?? ""}\r\n${lines}\r\n`);
}

function join(client: Duplex, server: Duplex, fromClient: Buffer, fromServer: Buffer): void {
  if (fromServer.length > 0) client.write(fromServer);
  if (fromClient.length > 0) server.write(fromClient);
  client.pipe(server);
  server.pipe(client);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}
