import { parse } from "yaml";
import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";
import { newPublicId, timestamp } from "../identifiers.ts";
import { isFields, type Fields } from "../json.ts";
import type { Service } from "../records.ts";
import { flagRule, list, required, text, validate } from "../validation/field.ts";
import { requireBase64 } from "../validation/base64.ts";
import { findService, placement, teamOf } from "./lookup.ts";
import { attachTags, tagNames } from "./tags.ts";

const change = [
  "name",
  "description",
  "instant_deploy",
  "docker_compose_raw",
  "connect_to_docker_network",
  "urls",
  "force_domain_override",
  "is_container_label_escape_enabled",
];
const place = ["project_uuid", "environment_name", "environment_uuid", "server_uuid", "destination_uuid"];
const rules = {
  name: text({ max: 255 }),
  description: text({ nullable: true }),
  docker_compose_raw: text({ nullable: true }),
  instant_deploy: flagRule(),
  connect_to_docker_network: flagRule(),
  urls: list(undefined, { nullable: true }),
  force_domain_override: flagRule(),
  is_container_label_escape_enabled: flagRule(),
};

/**
 * Services made of a compose file, as records (Coolify 379abb2, ServicesController.php). Running compose, one-click types and urls are not
 * played: they answer 501.
 */
export function serviceRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const own = ({ params, teamId }: ApiRequest): Service => findService(coolify, teamId, params.uuid ?? "");
  const unplayed = (what: string) =>
    refuse(501, `The sandbox's Coolify keeps services as records: ${what} is not played.`);
  const refuseUnplayed = (input: Fields): void => {
    if (input.type !== undefined && input.type !== null) throw unplayed("a one-click type");
    if (Array.isArray(input.urls) && input.urls.length > 0) throw unplayed("urls");
    if (flag(input, "instant_deploy")) throw unplayed("instant_deploy");
  };
  return [
    {
      method: "GET",
      path: "/services",
      ability: "read",
      handle: ({ teamId, sensitive }) =>
        ok(
          state.services.filter((one) => teamOf(coolify, one) === teamId).map((one) => describeService(one, sensitive)),
        ),
    },
    {
      method: "POST",
      path: "/services",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, teamId } = request;
        const identity = {
          type: text({ nullable: true }),
          project_uuid: required(text(), null),
          server_uuid: required(text(), null),
          environment_name: text({ nullable: true }),
          environment_uuid: text({ nullable: true }),
          destination_uuid: text({ nullable: true }),
          tags: list(text({ min: 2 }), { nullable: true }),
        };
        validate(input, { ...rules, ...identity }, [...change, ...place, "type", "tags"]);
        const tags = tagNames(input);
        if (input.type && input.docker_compose_raw) {
          throw refuse(422, "You cannot provide both service type and docker_compose_raw. Use one or the other.");
        }
        refuseUnplayed(input);
        const { environmentId, destinationId } = placement(coolify, teamId, input);
        const service: Service = {
          ...coolify.store.stamp(),
          environmentId,
          destinationId,
          name: textOf(input, "name") ?? `service-${newPublicId()}`,
          description: textOf(input, "description") ?? null,
          dockerComposeRaw: composeOf(input),
          isContainerLabelEscapeEnabled: flag(input, "is_container_label_escape_enabled", true),
          connectToDockerNetwork: flag(input, "connect_to_docker_network"),
          tagIds: [],
        };
        state.services.push(service);
        attachTags(coolify, teamId, service, tags);
        return created({ uuid: service.uuid, domains: [] });
      },
    },
    {
      method: "GET",
      path: "/services/:uuid",
      ability: "read",
      handle: (request) => ok(describeService(own(request), request.sensitive)),
    },
    {
      method: "PATCH",
      path: "/services/:uuid",
      ability: "write",
      handle(request) {
        requireJson(request);
        const service = own(request);
        const { input } = request;
        validate(input, rules, change);
        refuseUnplayed(input);
        if ("docker_compose_raw" in input) service.dockerComposeRaw = composeOf(input);
        service.name = textOf(input, "name") ?? service.name;
        if ("description" in input) service.description = textOf(input, "description") ?? null;
        const { isContainerLabelEscapeEnabled: escapes, connectToDockerNetwork: connects } = service;
        service.isContainerLabelEscapeEnabled = flag(input, "is_container_label_escape_enabled", escapes);
        service.connectToDockerNetwork = flag(input, "connect_to_docker_network", connects);
        service.updated_at = timestamp();
        return ok({ uuid: service.uuid, domains: [] });
      },
    },
    {
      method: "DELETE",
      path: "/services/:uuid",
      ability: "write",
      handle(request) {
        const service = own(request);
        state.services = state.services.filter((one) => one !== service);
        state.variables = state.variables.filter((row) => row.owner !== "service" || row.ownerId !== service.id);
        return ok({ message: "Service deletion request queued." });
      },
    },
    ...["start", "stop", "restart"].flatMap((name) =>
      stateChange(coolify.version, {
        path: `/services/:uuid/${name}`,
        ability: "deploy",
        handle(request) {
          own(request);
          throw unplayed(name);
        },
      }),
    ),
  ];
}

/** A service as the API gives it; the compose file only for tokens that may see secrets. */
export function describeService(service: Service, sensitive: boolean): Fields {
  const { id, uuid, name, description, dockerComposeRaw, environmentId, destinationId, created_at, updated_at } =
    service;
  return {
    id,
    uuid,
    name,
    description,
    config_hash: null,
    connect_to_docker_network: service.connectToDockerNetwork,
    deleted_at: null,
    ...(sensitive ? { docker_compose_raw: dockerComposeRaw } : {}),
    destination_id: destinationId,
    destination_type: "App\\Models\\StandaloneDocker",
    environment_id: environmentId,
    is_container_label_escape_enabled: service.isContainerLabelEscapeEnabled,
    service_type: null,
    status: "exited",
    created_at,
    updated_at,
  };
}

function composeOf(input: Fields): string {
  const compose = requireBase64(input.docker_compose_raw, "docker_compose_raw");
  let parsed: unknown;
  try {
    parsed = parse(compose);
  } catch (error) {
    throw invalid({ docker_compose_raw: `Invalid YAML: ${error instanceof Error ? error.message : String(error)}` });
  }
  if (!isFields(parsed) || !isFields(parsed.services) || Object.keys(parsed.services).length === 0) {
    throw invalid({ docker_compose_raw: "Docker Compose file must contain a 'services' section." });
  }
  return compose;
}
