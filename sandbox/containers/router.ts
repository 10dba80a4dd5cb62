import type { IncomingMessage, ServerResponse } from "node:http";
import { DockerError } from "./docker-error.ts";

/** One request with what its route found in the path. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The decoded parts of the path that the pattern names. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; the caller states its shape and treats every field as optional. */
  readonly body: <T>() => Promise<T>;
}

/** What a route answers: a status and, unless it wrote the response itself (undefined), a JSON body. */
export type Answer = { readonly status: number; readonly json?: unknown } | undefined;

export type Route = readonly [method: string, pattern: string, handle: (call: Call) => Promise<Answer>];

const bodyLimit = 8 * 1024 * 1024;

/**
 * Finds the route of a path, after an optional version prefix such as `/v1.47`. A pattern names parts as `:name`, which match one part, or `*name`,
 * which match several (an image's name). Throws 404 as Docker does.
 */
export function findRoute(routes: readonly Route[], method: string, pathname: string) {
  const path = pathname.replace(/^\/v1\.\d+(?=\/)/, "");
  for (const [routeMethod, pattern, handle] of routes) {
    if (routeMethod !== method && !(method === "HEAD" && routeMethod === "GET")) continue;
    const match = expression(pattern).exec(path);
    if (match !== null) return { handle, path: decoded(match.groups ?? {}) };
  }
  throw new DockerError(404, "page not found");
}

function expression(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/:(\w+)/g, "(?<$1>[^/]+)").replace(/\*(\w+)/g, "(?<$1>.+)")}$`);
}

function decoded(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch (cause) {
    throw new DockerError(400, "malformed path", { cause });
  }
}

export async function readBody<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new DockerError(400, "request body too large");
    chunks.push(chunk);
  }
  return parseBody<T>(Buffer.concat(chunks));
}

export function parseBody<T>(content: Buffer): T {
  if (content.length === 0) return {} as T;
  try {
    return JSON.parse(content.toString("utf8")) as T;
  } catch (cause) {
    throw new DockerError(400, "invalid JSON in the request's body", { cause });
  }
}

/** A query parameter that is a whole number; undefined when absent. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isInteger(value)) throw new DockerError(400, `invalid value "${text}" for ${name}`);
  return value;
}

/** A query parameter that is a switch, as Docker reads it: everything but "", 0, no, false and none is true. */
export function flag(query: URLSearchParams, name: string): boolean {
  return !["", "0", "no", "false", "none"].includes((query.get(name) ?? "").toLowerCase());
}
