import type { Coolify } from "../context.ts";
import { created, invalid, ok } from "../http/reply.ts";
import { requireJson } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";
import { plain, type Fields } from "../json.ts";
import { timestamp } from "../identifiers.ts";
import type { Server } from "../records.ts";
import { text, validate, whole } from "../validation/field.ts";
import { domainList } from "../validation/domains.ts";
import { databaseStatus } from "./database-view.ts";
import { applicationStatus } from "./application-status.ts";
import { findServer, locate } from "./lookup.ts";

const numbers = ["concurrent_builds", "dynamic_timeout", "deployment_queue_limit"] as const;
const changeable = ["name", "description", ...numbers];

/** Servers (Coolify 379abb2, ServersController.php, ServerProxyController.php). Servers are part of the sandbox: none can be made or deleted. */
export function serverRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const own = (teamId: number, uuid?: string): Server => findServer(coolify, teamId, uuid ?? "");
  return [
    {
      method: "GET",
      path: "/servers",
      ability: "read",
      handle: ({ teamId }) =>
        ok(
          state.servers
            .filter((server) => server.teamId === teamId)
            .map((server) => ({ ...brief(server), is_reachable: true, is_usable: true, settings: settings(server) })),
        ),
    },
    {
      method: "GET",
      path: "/servers/:uuid",
      ability: "read",
      async handle({ params, query, teamId }) {
        const server = own(teamId, params.uuid);
        const resources: Fields =
          query.resources === undefined ? {} : { resources: await resourcesOf(coolify, server) };
        return ok({ ...describeServer(server), ...resources });
      },
    },
    {
      method: "GET",
      path: "/servers/:uuid/resources",
      ability: "read",
      handle: async ({ params, teamId }) => ok(await resourcesOf(coolify, own(teamId, params.uuid))),
    },
    {
      method: "GET",
      path: "/servers/:uuid/domains",
      ability: "read",
      handle({ params, teamId }) {
        const server = own(teamId, params.uuid);
        return ok(
          state.applications
            .filter((application) => locate(coolify, application).server.id === server.id)
            .map(({ columns }) => ({
              domain: domainList(columns.fqdn).map((url) => new URL(url).hostname),
              ip: server.ip,
            })),
        );
      },
    },
    {
      method: "PATCH",
      path: "/servers/:uuid",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, params, teamId } = request;
        const server = own(teamId, params.uuid);
        const rules = Object.fromEntries(numbers.map((name) => [name, whole({ min: 1 })]));
        validate(input, { name: text({ max: 255 }), description: text({ nullable: true }), ...rules }, changeable);
        if (typeof input.name === "string") server.name = input.name;
        if ("description" in input)
          server.description = typeof input.description === "string" ? input.description : null;
        for (const name of numbers) if (input[name] !== undefined) server[name] = Number(input[name]);
        server.updated_at = timestamp();
        return created({ uuid: server.uuid });
      },
    },
    ...stateChange(
      coolify.version,
      {
        path: "/servers/:uuid/validate",
        ability: "write",
        handle({ params, teamId }) {
          own(teamId, params.uuid);
          return created({ message: "Validation started." });
        },
      },
      "get",
    ),
    {
      method: "GET",
      path: "/servers/:uuid/destinations",
      ability: "read",
      since: "4.3",
      handle({ params, teamId }) {
        const server = own(teamId, params.uuid);
        return ok(
          state.destinations
            .filter(({ serverId }) => serverId === server.id)
            .map(({ uuid, name, network }) => ({ uuid, name, network, server_uuid: server.uuid, type: "standalone" })),
        );
      },
    },
    {
      method: "GET",
      path: "/servers/:uuid/proxy",
      ability: "read",
      since: "4.3",
      handle: ({ params, teamId, sensitive }) => ok(proxy(own(teamId, params.uuid), sensitive)),
    },
    {
      method: "PATCH",
      path: "/servers/:uuid/proxy",
      ability: "write",
      since: "4.3",
      handle(request) {
        requireJson(request);
        const { input, params, teamId } = request;
        validate(input, { proxy_type: text({ nullable: true }) }, ["proxy_type"]);
        const server = own(teamId, params.uuid);
        const type = plain(input.proxy_type).toUpperCase();
        if (type !== "TRAEFIK" && type !== "CADDY" && type !== "NONE") {
          throw invalid({ proxy_type: ["The selected proxy type is invalid."] });
        }
        server.proxyType = type;
        return ok(proxy(server, request.sensitive));
      },
    },
  ];
}

/** A server as GET /servers/{uuid} gives it. */
export function describeServer(server: Server): Fields {
  return {
    ...brief(server),
    proxy: { type: server.proxyType, status: server.proxyType === "NONE" ? "exited" : "running" },
    team_id: server.teamId,
    is_coolify_host: true,
    settings: settings(server),
    created_at: server.created_at,
    updated_at: server.updated_at,
  };
}

async function resourcesOf(coolify: Coolify, server: Server): Promise<Fields[]> {
  const { applications, databases } = coolify.store.state;
  const here = (placed: { environmentId: number; destinationId: number }): boolean =>
    locate(coolify, placed).server.id === server.id;
  const rows = [
    ...applications.filter(here).map(async (it) => ({
      row: it,
      name: it.columns.name,
      type: "application",
      status: await applicationStatus(coolify, it),
    })),
    ...databases.filter(here).map(async (it) => ({
      row: it,
      name: plain(it.columns.name),
      type: `standalone-${it.kind}`,
      status: await databaseStatus(coolify, it),
    })),
  ];
  return (await Promise.all(rows)).map(({ row: { id, uuid, created_at, updated_at }, name, type, status }) => ({
    id,
    uuid,
    name,
    type,
    status,
    created_at,
    updated_at,
  }));
}

function brief({ uuid, name, description, ip, user, port }: Server): Fields {
  return { uuid, name, description, ip, user, port };
}

function settings(server: Server): Fields {
  const { concurrent_builds, deployment_queue_limit, dynamic_timeout, wildcardDomain } = server;
  return {
    concurrent_builds,
    deployment_queue_limit,
    dynamic_timeout,
    wildcard_domain: wildcardDomain,
    generate_exact_labels: false,
    is_build_server: false,
    is_reachable: true,
    is_usable: true,
    is_swarm_manager: false,
    is_swarm_worker: false,
    is_terminal_enabled: true,
  };
}

function proxy(server: Server, sensitive: boolean): Fields {
  return {
    proxy_type: server.proxyType,
    status: server.proxyType === "NONE" ? "exited" : "running",
    redirect_enabled: true,
    redirect_url: null,
    ...(sensitive ? { configuration: null } : {}),
    generate_exact_labels: false,
  };
}
