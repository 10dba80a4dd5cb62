import type { ContainerInspectInfo } from "dockerode";
import type { Definitions, Router, Service } from "./definition.ts";
import { containerLabels, parseLabels, type ServiceLabels } from "./labels.ts";

/**
 * What one container contributes, or null when it is left out: not enabled, not running, or called starting or unhealthy by Docker
 * (pkg/provider/docker/config.go). Throws, with the reason, when its labels cannot be read or its address is not known.
 */
export function definitionsOf(container: ContainerInspectInfo, network: string): Definitions | null {
  const labels = container.Config.Labels ?? {};
  const own = containerLabels(labels);
  if (!own.enabled || container.State.Status !== "running") return null;
  const health = container.State.Health?.Status ?? "";
  if (health !== "" && health !== "healthy" && health !== "none") return null;
  const parsed = parseLabels(labels);
  const name = normalised(serviceName(container.Name.slice(1), labels));
  const described: Readonly<Record<string, ServiceLabels>> =
    Object.keys(parsed.services).length > 0
      ? parsed.services
      : { [name]: { port: "", scheme: "http", url: "", passHostHeader: true, healthCheck: null } };
  const services = Object.fromEntries(
    Object.entries(described).map(([service, labels]) => [
      service,
      withServer(labels, container, own.network ?? network),
    ]),
  );
  return { routers: routersOf(parsed.routers, Object.keys(services), name), services, middlewares: parsed.middlewares };
}

/** A container without routers gets one for a host of its own name; a router without a service gets the only one there is. */
function routersOf(
  given: Readonly<Record<string, Router>>,
  services: readonly string[],
  name: string,
): Record<string, Router> {
  const none: Router = { rule: "", service: "", entryPoints: [], middlewares: [], priority: 0, tls: null };
  const routers = Object.keys(given).length > 0 || services.length > 1 ? given : { [name]: none };
  return Object.fromEntries(
    Object.entries(routers).flatMap(([router, definition]) => {
      const service = definition.service === "" && services.length === 1 ? (services[0] ?? "") : definition.service;
      const rule = definition.rule === "" ? `Host(\`${name}\`)` : definition.rule;
      return service === "" ? [] : [[router, { ...definition, service, rule }]];
    }),
  );
}

function withServer(labels: ServiceLabels, container: ContainerInspectInfo, network: string): Service {
  const { scheme, port: labelled, url, ...service } = labels;
  if (url !== "") return { ...service, servers: [url] };
  const networks = container.NetworkSettings.Networks;
  const address = (networks[network] ?? Object.values(networks)[0])?.IPAddress ?? "";
  if (address === "") throw new Error("unable to find the IP address: the server is ignored");
  const port = labelled === "" ? lowestPort(Object.keys(container.NetworkSettings.Ports)) : labelled;
  if (port === "") throw new Error("port is missing");
  return { ...service, servers: [`${scheme}://${address}:${port}`] };
}

function lowestPort(ports: readonly string[]): string {
  const [lowest] = ports.map((port) => Number(port.split("/")[0])).sort((a, b) => a - b);
  return lowest === undefined ? "" : `${lowest}`;
}

function serviceName(name: string, labels: Readonly<Record<string, string>>): string {
  const project = labels["com.docker.compose.project"] ?? "";
  const service = labels["com.docker.compose.service"] ?? "";
  return project === "" || service === "" ? name : `${service}_${project}`;
}

/** pkg/provider/configuration.go Normalize: everything but letters and digits becomes a hyphen. */
function normalised(name: string): string {
  return name
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== "")
    .join("-");
}
