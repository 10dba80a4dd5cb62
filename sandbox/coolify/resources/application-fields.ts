import type { ApplicationColumns, ApplicationSettings } from "../application-columns.ts";
import { plain, type Fields, type Json } from "../json.ts";
import type { Version } from "../version.ts";
import { domainsRule } from "../validation/domains.ts";
import { flagRule, list, number, text, whole, type Rule } from "../validation/field.ts";
import {
  containerNameRule,
  healthCommand,
  healthPath,
  imageNameRule,
  imageTagRule,
  shellSafeRule,
} from "../validation/patterns.ts";

/** Settings that create and PATCH take, besides those below (Coolify 379abb2, APPLICATION_SETTING_FIELDS). */
const flags = [
  "is_git_submodules_enabled",
  "is_git_lfs_enabled",
  "is_git_shallow_clone_enabled",
  "disable_build_cache",
  "inject_build_args_to_dockerfile",
  "include_source_commit_in_build",
  "is_env_sorting_enabled",
  "is_pr_deployments_public_enabled",
  "is_gzip_enabled",
  "is_stripprefix_enabled",
  "is_raw_compose_deployment_enabled",
  "is_log_drain_enabled",
  "is_gpu_enabled",
  "is_consistent_container_name_enabled",
] as const;
const values = [
  "stop_grace_period",
  "docker_images_to_keep",
  "gpu_driver",
  "gpu_count",
  "gpu_device_ids",
  "gpu_options",
  "custom_internal_name",
] as const;
const settingFields: readonly string[] = [...flags, ...values];

/** Settings that have a variable of their own in the handlers. */
const handledSettings: Record<string, keyof ApplicationSettings> = {
  is_static: "is_static",
  is_spa: "is_spa",
  is_auto_deploy_enabled: "is_auto_deploy_enabled",
  is_force_https_enabled: "is_force_https_enabled",
  is_preview_deployments_enabled: "is_preview_deployments_enabled",
  connect_to_docker_network: "connect_to_docker_network",
  use_build_server: "is_build_server_enabled",
  use_build_secrets: "use_build_secrets",
  is_container_label_escape_enabled: "is_container_label_escape_enabled",
  is_preserve_repository_enabled: "is_preserve_repository_enabled",
};

const shared = (
  "name,description,is_static,is_spa,is_auto_deploy_enabled,is_force_https_enabled,is_preview_deployments_enabled,domains,noindex_domains," +
  "git_repository,git_branch,git_commit_sha,docker_registry_image_name,docker_registry_image_tag,build_pack,static_image,install_command," +
  "build_command,start_command,ports_exposes,ports_mappings,custom_network_aliases,base_directory,publish_directory,health_check_enabled," +
  "health_check_type,health_check_command,health_check_path,health_check_port,health_check_host,health_check_method,health_check_return_code," +
  "health_check_scheme,health_check_response_text,health_check_interval,health_check_timeout,health_check_retries,health_check_start_period," +
  "limits_memory,limits_memory_swap,limits_memory_swappiness,limits_memory_reservation,limits_cpus,limits_cpuset,limits_cpu_shares," +
  "custom_labels,custom_docker_run_options,post_deployment_command,post_deployment_command_container,pre_deployment_command," +
  "pre_deployment_command_container,manual_webhook_secret_github,manual_webhook_secret_gitlab,manual_webhook_secret_bitbucket," +
  "manual_webhook_secret_gitea,redirect,instant_deploy,dockerfile_location,docker_compose_location,docker_compose_custom_start_command," +
  "docker_compose_custom_build_command,docker_compose_domains,watch_paths,use_build_server,use_build_secrets,custom_nginx_configuration," +
  "is_http_basic_auth_enabled,http_basic_auth_username,http_basic_auth_password,connect_to_docker_network,force_domain_override," +
  "is_container_label_escape_enabled,is_preserve_repository_enabled,preview_url_template"
).split(",");

const createOnly = (
  "project_uuid,environment_name,environment_uuid,server_uuid,destination_uuid,type,private_key_uuid,github_app_uuid,dockerfile," +
  "docker_compose_raw,autogenerate_domain,tags"
).split(",");

const since43 = [
  "max_restart_count",
  "is_consistent_container_name_enabled",
  "custom_internal_name",
  "is_log_drain_enabled",
  "is_gpu_enabled",
  "gpu_driver",
  "gpu_count",
  "gpu_device_ids",
  "gpu_options",
];

/** The fields that a version accepts on create or on PATCH; any other refuses the whole request. */
export function allowedFields(version: Version, request: "create" | "change"): string[] {
  const all = [
    ...shared,
    ...settingFields,
    "max_restart_count",
    ...(request === "create" ? createOnly : ["dockerfile_target_build"]),
    ...(version.atLeast("4.4") ? ["custom_container_name_prefix"] : []),
  ];
  return version.atLeast("4.3") ? all : all.filter((field) => !since43.includes(field));
}

/** The checks that create and PATCH share (Coolify 379abb2, sharedDataApplications in bootstrap/helpers/api.php). */
export function sharedRules(): Record<string, Rule> {
  const optional = text({ nullable: true });
  return {
    ...Object.fromEntries(flags.map((name) => [name, flagRule()])),
    ...Object.fromEntries(Object.keys(handledSettings).map((name) => [name, flagRule()])),
    gpu_driver: optional,
    gpu_count: optional,
    gpu_device_ids: optional,
    gpu_options: optional,
    custom_internal_name: optional,
    custom_container_name_prefix: optional,
    preview_url_template: text(),
    max_restart_count: whole({ min: 0 }),
    stop_grace_period: whole({ nullable: true, min: 1, max: 3600 }),
    docker_images_to_keep: whole({ min: 0, max: 100 }),
    domains: domainsRule,
    noindex_domains: list(text(), { nullable: true }),
    redirect: text({ oneOf: ["www", "non-www", "both"] }),
    docker_registry_image_name: imageNameRule,
    docker_registry_image_tag: imageTagRule,
    ports_exposes: text({ pattern: /^(\d+)(,\d+)*$/ }),
    ports_mappings: text({ nullable: true, pattern: /^(\d+:\d+)(,\d+:\d+)*$/ }),
    custom_network_aliases: optional,
    health_check_enabled: flagRule(),
    health_check_type: text({ oneOf: ["http", "cmd"] }),
    health_check_command: text({ nullable: true, max: 1000, pattern: healthCommand }),
    health_check_path: text({ pattern: healthPath }),
    health_check_port: whole({ nullable: true, min: 1, max: 65535 }),
    health_check_host: text({ pattern: /^[a-zA-Z0-9.\-_]+$/ }),
    health_check_method: text({ oneOf: ["GET", "HEAD", "POST", "OPTIONS"] }),
    health_check_return_code: number(),
    health_check_scheme: text({ oneOf: ["http", "https"] }),
    health_check_response_text: optional,
    health_check_interval: number(),
    health_check_timeout: number(),
    health_check_retries: number(),
    health_check_start_period: number(),
    limits_memory: text(),
    limits_memory_swap: text(),
    limits_memory_swappiness: number(),
    limits_memory_reservation: text(),
    limits_cpus: text(),
    limits_cpuset: optional,
    limits_cpu_shares: number(),
    custom_labels: optional,
    custom_docker_run_options: shellSafeRule(2000),
    pre_deployment_command: optional,
    pre_deployment_command_container: containerNameRule,
    post_deployment_command: optional,
    post_deployment_command_container: containerNameRule,
    manual_webhook_secret_github: optional,
    manual_webhook_secret_gitlab: optional,
    manual_webhook_secret_bitbucket: optional,
    manual_webhook_secret_gitea: optional,
  };
}

/** Writes the sent columns. `domains`, settings and what decides placement are not columns. */
export function applyColumns(columns: ApplicationColumns, input: Fields): void {
  const target = columns as unknown as Fields;
  for (const [name, value] of Object.entries(input)) {
    if (!(name in columns) || name === "fqdn" || name === "noindex_domains") continue;
    target[name] = columnValue(target[name] ?? null, name, value);
  }
}

/** Writes the sent settings; true when that makes Coolify regenerate the labels. */
export function applySettings(settings: ApplicationSettings, input: Fields): boolean {
  const target = settings as unknown as Fields;
  for (const [name, value] of Object.entries(input)) {
    const setting = handledSettings[name];
    if (setting !== undefined) {
      if (value !== null) target[setting] = truth(value);
    } else if (settingFields.includes(name) || name === "custom_container_name_prefix") {
      const isFlag = (flags as readonly string[]).includes(name);
      const isNumber = name === "stop_grace_period" || name === "docker_images_to_keep";
      target[name] = isFlag ? truth(value) : isNumber && value !== null ? Number(value) : value;
    }
  }
  return "is_gzip_enabled" in input || "is_stripprefix_enabled" in input;
}

/** Columns keep their type: a numeric text becomes a number, and a port, whose column is text, the other way round. */
function columnValue(before: Json, name: string, value: Json): Json {
  if (value === null) return null;
  if (name === "health_check_port") return plain(value);
  if (name === "custom_network_aliases") return aliases(plain(value));
  if (typeof before === "number") return Number(value);
  if (typeof before === "boolean") return truth(value);
  return value;
}

/** Spaces become hyphens, duplicates go; read back as a comma list. */
function aliases(value: string): string | null {
  const names = value.split(",").map((alias) => alias.trim().replaceAll(" ", "-"));
  return [...new Set(names.filter((alias) => alias !== ""))].join(",") || null;
}

function truth(value: Json): boolean {
  return value === true || value === 1 || value === "1";
}
