import { isDeepStrictEqual } from "node:util";
import type { Definitions, Router, Service } from "./definition.ts";

export interface Merged {
  readonly definitions: Definitions;
  /** What was dropped, as Traefik logs it. */
  readonly conflicts: readonly string[];
}

/**
 * Brings the containers' definitions together as Traefik's docker provider does (pkg/provider/configuration.go Merge): equal routers and middlewares of one
 * name are one; services that are equal but for their servers are one service with all the servers; of a name that is defined unequally, every
 * definition is dropped. `byContainer` is in the order of the containers' names.
 */
export function merge(byContainer: readonly Definitions[]): Merged {
  const routers = new Map<string, Router>();
  const services = new Map<string, Service>();
  const middlewares = new Map<string, Definitions["middlewares"][string]>();
  const unequal = { Router: new Set<string>(), Service: new Set<string>(), Middleware: new Set<string>() };
  for (const definitions of byContainer) {
    for (const [name, service] of Object.entries(definitions.services)) {
      const known = services.get(name);
      if (known === undefined) services.set(name, service);
      else if (!isDeepStrictEqual({ ...known, servers: [] }, { ...service, servers: [] })) unequal.Service.add(name);
      else services.set(name, { ...known, servers: [...new Set([...known.servers, ...service.servers])] });
    }
    for (const [name, router] of Object.entries(definitions.routers)) {
      if (!isDeepStrictEqual(routers.get(name) ?? router, router)) unequal.Router.add(name);
      else routers.set(name, router);
    }
    for (const [name, middleware] of Object.entries(definitions.middlewares)) {
      if (!isDeepStrictEqual(middlewares.get(name) ?? middleware, middleware)) unequal.Middleware.add(name);
      else middlewares.set(name, middleware);
    }
  }
  for (const name of unequal.Router) routers.delete(name);
  for (const name of unequal.Service) services.delete(name);
  for (const name of unequal.Middleware) middlewares.delete(name);
  const conflicts = Object.entries(unequal).flatMap(([kind, names]) =>
    [...names].map((name) => `${kind} ${name}: defined multiple times with different configurations`),
  );
  return {
    definitions: { routers: sorted(routers), services: sorted(services), middlewares: sorted(middlewares) },
    conflicts,
  };
}

function sorted<T>(map: Map<string, T>): Record<string, T> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
