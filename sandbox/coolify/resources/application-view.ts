import type { Coolify } from "../context.ts";
import type { Fields, Json } from "../json.ts";
import type { Application } from "../records.ts";
import { applicationStatus } from "./application-status.ts";
import { locate } from "./lookup.ts";
import { describeServer } from "./servers.ts";

const secret = [
  "custom_labels",
  "http_basic_auth_password",
  "manual_webhook_secret_github",
  "manual_webhook_secret_gitlab",
  "manual_webhook_secret_bitbucket",
  "manual_webhook_secret_gitea",
];

/** Columns of the build packs that are not played, as an application made of an image has them. */
const unplayed: Fields = {
  build_command: null,
  custom_nginx_configuration: null,
  deleted_at: null,
  docker_compose_custom_build_command: null,
  docker_compose_custom_start_command: null,
  docker_compose_domains: null,
  docker_compose_location: "/docker-compose.yaml",
  dockerfile_location: null,
  dockerfile_target_build: null,
  git_full_url: null,
  install_command: null,
  publish_directory: null,
  repository_project_id: null,
  source_id: null,
  start_command: null,
  static_image: "nginx:alpine",
  swarm_placement_constraints: null,
  swarm_replicas: 1,
};

/**
 * An application as the API gives it: flat, no project_uuid or server_uuid, `fqdn` for the domains, secrets left out (not masked)
 * unless the token may see them. `nested` is the form inside an environment: with `id`, without `settings`.
 */
export async function describeApplication(
  coolify: Coolify,
  application: Application,
  view: { sensitive: boolean; nested?: boolean; settings?: boolean },
): Promise<Fields> {
  const { columns, settings } = application;
  const { destination, server } = locate(coolify, application);
  const visible = Object.entries(columns as unknown as Fields).filter(
    ([name]) => view.sensitive || !secret.includes(name),
  );
  return ordered({
    ...(view.nested === true ? { id: application.id } : {}),
    uuid: application.uuid,
    ...Object.fromEntries(visible),
    ...unplayed,
    ...(view.sensitive
      ? { docker_compose: null, docker_compose_raw: null, dockerfile: null, private_key_id: null }
      : {}),
    additional_networks_count: 0,
    additional_servers_count: 0,
    base_directory: "/",
    compose_parsing_version: "5",
    config_hash: null,
    custom_healthcheck_found: false,
    destination: {
      id: destination.id,
      uuid: destination.uuid,
      name: destination.name,
      network: destination.network,
      server_id: server.id,
      server: describeServer(server),
    },
    destination_id: destination.id,
    destination_type: "App\\Models\\StandaloneDocker",
    environment_id: application.environmentId,
    restart_count: 0,
    server_status: true,
    status: await applicationStatus(coolify, application),
    ...(view.settings === true ? { settings: settings as unknown as Fields } : {}),
    created_at: application.created_at,
    updated_at: application.updated_at,
  });
}

/** id, uuid, description and name first, times last, the rest by name (Coolify 379abb2, serializeApiResponse). */
export function ordered(fields: Fields): Fields {
  const rank = (name: string): number => {
    const first = ["id", "uuid", "description", "name"].indexOf(name);
    if (first >= 0) return first;
    return name === "created_at" ? 6 : name === "updated_at" ? 7 : 5;
  };
  const entries: [string, Json][] = Object.entries(fields);
  entries.sort(([left], [right]) => rank(left) - rank(right) || (left < right ? -1 : 1));
  return Object.fromEntries(entries);
}
