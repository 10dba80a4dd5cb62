import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { damage, type Fault } from "./faults.ts";
import type { Store } from "./store.ts";

/** A request on its way to its answer. */
export interface Exchange {
  readonly store: Store;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly fault: Fault | undefined;
}

/** Ends the answer with a head (without the headers that are undefined) and a body; a HEAD request gets the same head only. */
export async function send(
  { request, response, fault }: Exchange,
  status: number,
  headers: Readonly<Record<string, string | number | undefined>>,
  body: Readable | Buffer | string = "",
): Promise<void> {
  response.statusCode = status;
  response.setHeader("docker-distribution-api-version", "registry/2.0");
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = body instanceof Readable ? body : Readable.from([Buffer.from(body)]);
  if (fault === undefined) await pipeline(stream, response);
  else await pipeline(stream, damage(fault, response), response);
}

/** As send, for a JSON body. */
export async function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  await send(exchange, status, { "content-type": "application/json", "content-length": length, ...headers }, text);
}

/** A request's whole body, at most `limit` bytes; undefined when it is longer. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size > limit ? undefined : Buffer.concat(chunks);
}
