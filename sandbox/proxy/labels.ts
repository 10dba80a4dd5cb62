import type { Definitions, HealthCheck, Middleware, Router, Service } from "./definition.ts";
import { parseDuration } from "./duration.ts";

/** What the labels say of a container itself. */
export interface ContainerLabels {
  readonly enabled: boolean;
  /** The Docker network whose address is used, when the labels name one. */
  readonly network: string | undefined;
}

/** A service before the container's address is known. */
export interface ServiceLabels extends Omit<Service, "servers"> {
  readonly scheme: string;
  /** "" stands for the container's lowest exposed port. */
  readonly port: string;
  /** Instead of the container's own address. */
  readonly url: string;
}

export interface LabelDefinitions extends Pick<Definitions, "middlewares"> {
  readonly routers: Readonly<Record<string, Router>>;
  readonly services: Readonly<Record<string, ServiceLabels>>;
}

/** Options under their lower-case path, for example `loadbalancer.server.port`, as Traefik takes names in any case. */
type Options = Map<string, string>;

/** Docker's own containers are not exposed by default (`--providers.docker.exposedbydefault=false`, as Coolify sets it). */
export function containerLabels(labels: Readonly<Record<string, string>>): ContainerLabels {
  const known = new Map(Object.entries(labels).map(([name, value]) => [name.toLowerCase(), value]));
  return { enabled: boolean(known.get("traefik.enable") ?? "false"), network: known.get("traefik.docker.network") };
}

/**
 * Reads `traefik.http.*`. Throws for what Traefik would not decode, and for what it would but this stand-in has not: either way the container gets no
 * route, and the message says why. Labels of TCP and UDP are not read.
 */
export function parseLabels(labels: Readonly<Record<string, string>>): LabelDefinitions {
  const groups = {
    routers: new Map<string, Options>(),
    services: new Map<string, Options>(),
    middlewares: new Map<string, Options>(),
  };
  for (const [label, value] of Object.entries(labels)) {
    const match = /^traefik\.http\.([^.]+)\.([^.]+)(?:\.(.+))?$/i.exec(label);
    if (match === null) continue;
    const [, kind = "", name = "", path = ""] = match;
    const group = groups[kind.toLowerCase() as keyof typeof groups];
    if (group === undefined) throw new Error(`field not found, node: ${kind}`);
    const options = group.get(name) ?? new Map<string, string>();
    options.set(path.toLowerCase(), value);
    group.set(name, options);
  }
  return {
    routers: eachOf(groups.routers, router),
    services: eachOf(groups.services, service),
    middlewares: eachOf(groups.middlewares, middleware),
  };
}

function eachOf<T>(group: Map<string, Options>, parse: (options: Options) => T): Record<string, T> {
  return Object.fromEntries([...group].map(([name, options]) => [name, parse(options)]));
}

function router(options: Options): Router {
  const take = taker(options);
  const tls = takeTree(options, "tls");
  const parsed = {
    rule: take("rule") ?? "",
    service: take("service") ?? "",
    entryPoints: list(take("entrypoints")),
    middlewares: list(take("middlewares")),
    priority: integer(take("priority") ?? "0"),
    tls:
      "" in tls && !boolean(tls[""] ?? "") && Object.keys(tls).length === 1
        ? null
        : Object.keys(tls).length === 0
          ? null
          : tls,
  };
  const syntax = take("rulesyntax");
  if (syntax !== undefined && syntax !== "v3") throw unsupported("ruleSyntax v2");
  takeTree(options, "observability");
  refuseRest(options);
  return parsed;
}

function service(options: Options): ServiceLabels {
  const take = taker(options, "loadbalancer.");
  const healthCheck = takeTree(options, "loadbalancer.healthcheck");
  const parsed: ServiceLabels = {
    port: take("server.port") ?? "",
    scheme: take("server.scheme") ?? "http",
    url: take("server.url") ?? "",
    passHostHeader: boolean(take("passhostheader") ?? "true"),
    healthCheck: Object.keys(healthCheck).length === 0 ? null : check(new Map(Object.entries(healthCheck))),
  };
  // Answers are passed on as they come; Traefik's default of 100 ms only bounds a delay.
  take("responseforwarding.flushinterval");
  const strategy = take("strategy") ?? "wrr";
  if (strategy !== "wrr") throw unsupported(`the load-balancing strategy ${strategy}`);
  if (parsed.scheme !== "http") throw unsupported(`a server with the scheme ${parsed.scheme}`);
  if (parsed.url !== "" && parsed.port !== "")
    throw new Error("defining scheme or port is not allowed when URL is defined");
  refuseRest(options);
  return parsed;
}

function check(options: Options): HealthCheck {
  const take = taker(options);
  const headers = takeTree(options, "headers");
  const positive = (text: string | undefined, otherwise: number) => {
    const ms = text === undefined ? otherwise : parseDuration(text);
    return ms > 0 ? ms : otherwise;
  };
  const intervalMs = positive(take("interval"), 30_000);
  const mode = take("mode") ?? "http";
  if (mode !== "http" || (take("scheme") ?? "http") !== "http")
    throw unsupported("a health check over anything but HTTP");
  const unhealthy = take("unhealthyinterval");
  const parsed = {
    path: take("path") ?? "",
    intervalMs,
    unhealthyIntervalMs: unhealthy === undefined ? intervalMs : positive(unhealthy, 30_000),
    timeoutMs: positive(take("timeout"), 5_000),
    hostname: take("hostname") ?? "",
    headers,
    method: take("method") ?? "GET",
    status: integer(take("status") ?? "0"),
    port: integer(take("port") ?? "0"),
    followRedirects: boolean(take("followredirects") ?? "true"),
  };
  refuseRest(options);
  return parsed;
}

function middleware(options: Options): Middleware {
  const kinds = new Set([...options.keys()].map((path) => path.split(".", 1)[0] ?? ""));
  const [kind = "", second] = kinds;
  if (second !== undefined)
    throw new Error(
      "cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead",
    );
  const take = taker(options, `${kind}.`);
  const parsed = ((): Middleware => {
    switch (kind) {
      case "retry":
        return {
          kind,
          attempts: integer(take("attempts") ?? "0"),
          initialIntervalMs: parseDuration(take("initialinterval") ?? "0"),
        };
      case "headers":
        return {
          kind,
          request: takeTree(options, "headers.customrequestheaders"),
          response: takeTree(options, "headers.customresponseheaders"),
        };
      case "redirectscheme":
        return {
          kind,
          scheme: take("scheme") ?? "",
          port: take("port") ?? "",
          permanent: boolean(take("permanent") ?? "false"),
        };
      case "redirectregex":
        return {
          kind,
          regex: take("regex") ?? "",
          replacement: take("replacement") ?? "",
          permanent: boolean(take("permanent") ?? "false"),
        };
      case "stripprefix":
        return { kind, prefixes: list(take("prefixes")), forceSlash: boolean(take("forceslash") ?? "false") };
      case "addprefix":
        return { kind, prefix: take("prefix") ?? "" };
      case "compress":
        options.delete("compress");
        return { kind, minimumBytes: integer(take("minresponsebodybytes") ?? "1024") };
      default:
        throw unsupported(`the middleware ${kind}`);
    }
  })();
  refuseRest(options);
  return parsed;
}

/** Takes options out of the map, so that what is left is what nobody knows. */
function taker(options: Options, prefix = ""): (path: string) => string | undefined {
  return (path) => {
    const value = options.get(`${prefix}${path}`);
    options.delete(`${prefix}${path}`);
    return value;
  };
}

/** Takes an option and everything below it; the option's own value has the key "". */
function takeTree(options: Options, path: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of options) {
    if (name !== path && !name.startsWith(`${path}.`)) continue;
    found[name.slice(path.length + 1)] = value;
    options.delete(name);
  }
  return found;
}

function refuseRest(options: Options): void {
  const [unknown] = options.keys();
  if (unknown !== undefined) throw new Error(`field not found, node: ${unknown}`);
}

function unsupported(what: string): Error {
  return new Error(`${what} is not supported by this stand-in for Traefik`);
}

function list(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",").map((item) => item.trim());
}

/** Go's strconv.ParseBool. */
function boolean(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False", ""].includes(text)) return false;
  throw new Error(`strconv.ParseBool: parsing "${text}": invalid syntax`);
}

function integer(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new Error(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}
