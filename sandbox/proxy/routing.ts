import type { BackendAgent } from "./backend-agent.ts";
import { balance, type Balancer } from "./balancer.ts";
import type { Definitions, Router } from "./definition.ts";
import type { Handler } from "./exchange.ts";
import { checkHealth } from "./health-check.ts";
import { withMiddleware } from "./middlewares/build.ts";
import { parseRule, type Matcher, type RequestFacts } from "./rule.ts";

/** The proxy's configuration at work, from one reload to the next. */
export interface Routing {
  /** The handler of the first router that matches, in the order of priorities; null if none does. */
  find(facts: RequestFacts): Handler | null;
  /** In the shape of Traefik's `GET /api/rawdata`. */
  state(): RoutingState;
  /** Ends its health checks. */
  close(): void;
}

export interface RoutingState {
  readonly routers: Readonly<
    Record<
      string,
      { rule: string; service: string; priority: number; status: "enabled" | "disabled"; error?: string[] }
    >
  >;
  readonly services: Readonly<Record<string, { status: "enabled"; serverStatus: Record<string, "UP" | "DOWN"> }>>;
  readonly middlewares: Readonly<Record<string, { status: "enabled"; kind: string }>>;
}

interface Route {
  readonly name: string;
  readonly router: Router;
  readonly priority: number;
  readonly matches: Matcher;
  readonly handle: Handler;
}

/**
 * Puts definitions to work on one entry point. A router whose rule, service or middleware is missing or makes no sense is reported and has no route. Every
 * server is up to begin with, whatever it was before.
 */
export function route(
  { routers, services, middlewares }: Definitions,
  entryPoint: string,
  agent: BackendAgent,
  log: (line: string) => void,
): Routing {
  const closed = new AbortController();
  const balancers = new Map<string, Balancer>();
  for (const [name, service] of Object.entries(services)) {
    const balancer = balance(service, agent);
    balancers.set(name, balancer);
    if (service.healthCheck === null) continue;
    checkHealth(service.servers, service.healthCheck, agent, closed.signal, (url, up, reason) => {
      if (up !== (balancer.statuses.get(url) === "UP"))
        log(`Service ${name}: ${url} is ${up ? "UP" : `DOWN: ${reason}`}`);
      balancer.setStatus(url, up);
    });
  }

  const build = (router: Router): Handler => {
    const balancer = balancers.get(plain(router.service));
    if (balancer === undefined) throw new Error(`the service "${qualified(router.service)}" does not exist`);
    return router.middlewares.toReversed().reduce<Handler>((next, name) => {
      const definition = middlewares[plain(name)];
      if (definition === undefined) throw new Error(`middleware "${qualified(name)}" does not exist`);
      return withMiddleware(definition, next);
    }, balancer.handle);
  };

  const routes: Route[] = [];
  const errors = new Map<string, string>();
  for (const [name, router] of Object.entries(routers)) {
    try {
      const priority = router.priority === 0 ? router.rule.length : router.priority;
      const built = { name, router, priority, matches: parseRule(router.rule), handle: build(router) };
      const served = router.entryPoints.length === 0 || router.entryPoints.includes(entryPoint);
      // A router with TLS answers TLS connections only, which this entry point has not.
      if (served && router.tls === null) routes.push(built);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      errors.set(name, message);
      log(`Router ${name}: ${message}`);
    }
  }
  routes.sort((a, b) => b.priority - a.priority);

  return {
    find: (facts) => routes.find(({ matches }) => matches(facts))?.handle ?? null,
    state: () => ({
      routers: rename(routers, (router, name) => ({
        rule: router.rule,
        service: router.service,
        priority: router.priority === 0 ? router.rule.length : router.priority,
        ...(errors.has(name) ? { status: "disabled", error: [errors.get(name) ?? ""] } : { status: "enabled" }),
      })),
      services: rename(services, (_, name) => ({
        status: "enabled",
        serverStatus: Object.fromEntries(balancers.get(name)?.statuses ?? []),
      })),
      middlewares: rename(middlewares, ({ kind }) => ({ status: "enabled", kind })),
    }),
    close: () => closed.abort(),
  };
}

/** Names of labels may carry the provider's suffix. */
function plain(name: string): string {
  return name.replace(/@docker$/, "");
}

function qualified(name: string): string {
  return `${plain(name)}@docker`;
}

function rename<T, U>(named: Readonly<Record<string, T>>, view: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [qualified(name), view(value, name)]));
}
