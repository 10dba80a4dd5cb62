import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex, Transform } from "node:stream";
import type { RequestFacts } from "./rule.ts";

/** The head of an answer, which middlewares may change before it is sent. `headers` alternates names and values. */
export interface ResponseHead {
  status: number;
  message: string;
  headers: string[];
}

/** One request on its way through the proxy. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** Null for a request to switch protocols, which is answered on `socket`. */
  readonly response: ServerResponse | null;
  readonly socket: Duplex;
  /** What a switching client sent right behind its request. */
  readonly head: Buffer;
  readonly facts: RequestFacts;
  /** Path and query as they will be sent on; middlewares may change them. */
  target: string;
  /** What will be sent on, names and values alternating, without those that concern one connection only. */
  headers: string[];
  /** A request that could not be sent to its server is then given back instead of being answered with 502. */
  mayRetry: boolean;
  /** Change the head of whatever is answered. */
  readonly onHead: ((head: ResponseHead) => void)[];
  /** Called with the head of a server's answer; what is returned transforms its body. */
  readonly onBody: ((head: ResponseHead) => Transform | undefined)[];
}

/** What became of an exchange: `unsent` means that no server got any of it, and that nothing was answered. */
export type Outcome = "answered" | "unsent";

export type Handler = (exchange: Exchange) => Promise<Outcome>;

/** Answers with a short text, in the form of Go's http.Error, which Traefik uses. */
export function answerText(exchange: Exchange, status: number, text: string): Outcome {
  const head: ResponseHead = {
    status,
    message: STATUS_CODES[status] ?? "",
    headers: ["Content-Type", "text/plain; charset=utf-8", "Content-Length", `${Buffer.byteLength(text)}`],
  };
  for (const change of exchange.onHead) change(head);
  return sendWhole(exchange, head, text);
}

/** Sends an answer whose body is known. */
export function sendWhole({ request, response, socket }: Exchange, head: ResponseHead, body: string): Outcome {
  if (response === null) {
    const lines = [
      `HTTP/1.1 ${head.status} ${head.message}`,
      ...pairs(head.headers).map(([name, value]) => `${name}: ${value}`),
    ];
    socket.end(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n${body}`);
  } else if (!response.headersSent) {
    response.writeHead(head.status, head.message, head.headers).end(request.method === "HEAD" ? undefined : body);
  }
  return "answered";
}

/** Names and values, two by two. */
export function pairs(headers: readonly string[]): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    headers[index * 2] ?? "",
    headers[index * 2 + 1] ?? "",
  ]);
}

/** Replaces a header, or adds it; an empty value removes it. */
export function withHeader(headers: readonly string[], name: string, value: string): string[] {
  const others = pairs(headers).filter(([known]) => known.toLowerCase() !== name.toLowerCase());
  return [...others.flat(), ...(value === "" ? [] : [name, value])];
}

/** The last value of a header. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  return pairs(headers).findLast(([known]) => known.toLowerCase() === name)?.[1];
}
