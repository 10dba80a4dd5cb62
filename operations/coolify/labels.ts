import { createHash } from "node:crypto";
import { proxyTimes } from "../drain/spec.ts";
import type { ApplicationSpec } from "./spec.ts";

/** What the routing of an application depends on. Two replicas with equal values are one load-balanced service. */
export type Routing = Pick<ApplicationSpec, "environment" | "name" | "hosts" | "tls" | "port"> & {
  /** Path of the proxy's active health check. */
  readonly healthPath: string;
  /** Its routes win over those of the applications that the hosts belong to. */
  readonly standby?: true;
};

/** Asks one replica at one digest, whoever else answers for the application. */
export const replicaHeader = "X-Affexai-Replica";

/** A replica that is asked by its header and is not there gets no answer, rather than that of another one. */
const nobodys = `!HeaderRegexp(\`${replicaHeader}\`, \`.\`)`;

/** What `replicaHeader` carries for a replica (counted from 1) at a digest (`sha256:<hex>`). */
export function replicaId(replica: number, digest: string): string {
  return `${replica}-${digest.replace("sha256:", "").slice(0, 12)}`;
}

/** Priority of the first definition; each changed definition takes the next one. */
const firstPriority = 1000;
/** Above the priorities of all applications that are always there. */
const standbyPriority = 500_000;
/**
 * Above every definition's priority: a replica is asked by its header also while a standby answers everybody else. A definition's own
 * priority is added, so that of two containers of one replica at one digest the newer definition's is asked.
 */
const replicaPriority = 1_000_000;

/**
 * The Traefik labels of one replica. Names carry a hash of the definition, because Traefik deletes *all* definitions of one name
 * that are not equal (traefik 3.5.0, pkg/provider/configuration.go): a changed definition lives beside the old one, with a higher
 * priority, until the last old container is gone. The priority is part of the name for the same reason.
 */
export function traefikLabels(routing: Routing, replica: { id: string; priority: number }): string[] {
  if (routing.hosts.length === 0) return ["traefik.enable=false"];
  return labelsNamed(routingName(routing, replica.priority), routing, replica);
}

function labelsNamed(name: string, routing: Routing, replica: { id: string; priority: number }): string[] {
  const hosts = routing.hosts.map((host) => `Host(\`${host}\`)`).join(" || ");
  const own = `${name}-${replica.id}`;
  return [
    "traefik.enable=true",
    ...router(
      name,
      { rule: `(${hosts}) && ${nobodys}`, service: name, priority: replica.priority, tls: routing.tls },
      `${name}-retry`,
    ),
    ...router(
      own,
      {
        rule: `(${hosts}) && Header(\`${replicaHeader}\`, \`${replica.id}\`)`,
        service: own,
        priority: replicaPriority + replica.priority,
        tls: routing.tls,
      },
      `${name}-retry`,
    ),
    `traefik.http.services.${name}.loadbalancer.server.port=${routing.port}`,
    ...activeCheck(name, routing),
    `traefik.http.services.${own}.loadbalancer.server.port=${routing.port}`,
    `traefik.http.middlewares.${name}-retry.retry.attempts=${retryAttempts}`,
    `traefik.http.middlewares.${name}-retry.retry.initialinterval=100ms`,
    ...(routing.tls ? [`traefik.http.middlewares.${name}-https.redirectscheme.scheme=https`] : []),
  ];
}

/**
 * The proxy's own check. A standby has none: with it the proxy would know of its end before Docker does, and while the routes still
 * are there, answer "no available server" in its place.
 */
function activeCheck(name: string, { healthPath, standby }: Routing): string[] {
  if (standby === true) return [];
  return [
    `traefik.http.services.${name}.loadbalancer.healthcheck.path=${healthPath}`,
    `traefik.http.services.${name}.loadbalancer.healthcheck.interval=${proxyTimes.checkIntervalSeconds}s`,
    `traefik.http.services.${name}.loadbalancer.healthcheck.timeout=${proxyTimes.checkTimeoutSeconds * 1000}ms`,
  ];
}

/**
 * The priority for a definition, given the labels of all the application's replicas and of others on its hosts. The definition that
 * is the highest in place stays as it is. Anything else goes above all of them, also a definition that was there before: a router
 * must not be preferred while its last container drains, because a router without a server that is ready answers 503.
 */
export function nextPriority(
  routing: Routing,
  labelsInPlace: readonly string[],
  neighbours: readonly string[] = [],
): number {
  const own = routersIn(labelsInPlace);
  const highest = Math.max(0, ...own.map(({ priority }) => priority));
  const same = own.some(({ name, priority }) => priority === highest && isNameOf(routing, priority, name));
  if (same) return highest;
  const first = routing.standby === true ? standbyPriority : firstPriority;
  const others = routersIn(neighbours).filter(({ priority }) => priority < standbyPriority);
  return Math.max(first - 1, highest, ...others.map(({ priority }) => priority)) + 1;
}

/** Labels of the same meaning under names and a priority above those of another definition, which is about to drain. */
export function raised(labels: readonly string[], priority: number): string[] {
  const [router] = routersIn(labels);
  if (router === undefined) return [...labels];
  const name = router.name.replace(/-plain$/, "");
  const definition = name.replace(new RegExp(`-${router.priority}$`), "");
  return labels.map((label) =>
    label.includes(name)
      ? label
          .replaceAll(name, nameAt(definition, priority))
          .replace(/\.priority=(\d+)$/, (_, was) => `.priority=${Number(was) - router.priority + priority}`)
      : label,
  );
}

/** The names of the common routers in labels: unequal ones are different definitions. */
export function definitionsIn(labels: readonly string[]): string[] {
  return routersIn(labels).map(({ name }) => name);
}

/** Whether a container with these labels is asked for any of the hosts. */
export function claims(labels: readonly string[], hosts: readonly string[]): boolean {
  return labels.some((label) => hosts.some((host) => label.includes(`Host(\`${host}\`)`)));
}

/** The routers for everybody, without those of single replicas. */
function routersIn(labels: readonly string[]): { name: string; priority: number }[] {
  return labels.flatMap((label) => {
    const [, name = "", priority = ""] = /^traefik\.http\.routers\.([^.]+)\.priority=(\d+)$/.exec(label) ?? [];
    return name === "" || Number(priority) >= replicaPriority ? [] : [{ name, priority: Number(priority) }];
  });
}

function isNameOf(routing: Routing, priority: number, router: string): boolean {
  const name = routingName(routing, priority);
  return router === name || router === `${name}-plain`;
}

/**
 * `<environment>-<application>-<hash of the definition>`, and the priority where it is not the first: the name of the router, the
 * service and its middlewares. The hash is made of the labels themselves, so that a change of this file is another definition too.
 */
export function routingName(routing: Routing, priority = firstPriority): string {
  const definition = labelsNamed("", routing, { id: "", priority: 0 });
  const hash = createHash("sha256").update(definition.join("\n")).digest("hex");
  return nameAt(`${routing.environment}-${routing.name}-${hash.slice(0, 10)}`, priority);
}

function nameAt(definition: string, priority: number): string {
  return priority === firstPriority || priority === standbyPriority ? definition : `${definition}-${priority}`;
}

/**
 * How often a request that reached no server is tried. Until its next check the proxy takes a container that has just ended for one that is up,
 * and with two of four gone three tries were not enough (5 of 10,999 requests in a rollback). Nothing that a server has seen is repeated.
 */
export const retryAttempts = 10;

interface Route {
  readonly rule: string;
  readonly service: string;
  readonly priority: number;
  readonly tls: boolean;
}

/** With TLS: the route on `https` with a certificate, and on `http` a redirect to it. Coolify's names for both are kept. */
function router(name: string, { rule, service, priority, tls }: Route, retry: string): string[] {
  const label = (router: string, key: string, value: string | number) =>
    `traefik.http.routers.${router}.${key}=${value}`;
  const route = (router: string, entryPoint: string, middleware: string) => [
    label(router, "rule", rule),
    label(router, "entrypoints", entryPoint),
    label(router, "service", service),
    label(router, "priority", priority),
    label(router, "middlewares", middleware),
  ];
  if (!tls) return route(name, "http", retry);
  return [
    ...route(name, "https", retry),
    label(name, "tls", "true"),
    label(name, "tls.certresolver", "letsencrypt"),
    ...route(`${name}-plain`, "http", retry.replace(/-retry$/, "-https")),
  ];
}
