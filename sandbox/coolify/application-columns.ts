/**
 * The columns of an application that the API reads and writes, with their defaults.
 * Source: Coolify 379abb2, database/migrations and app/Models/Application.php.
 */
export interface ApplicationColumns {
  name: string;
  description: string | null;
  fqdn: string | null;
  noindex_domains: string[];
  git_repository: string;
  git_branch: string;
  git_commit_sha: string;
  docker_registry_image_name: string | null;
  docker_registry_image_tag: string | null;
  build_pack: string;
  ports_exposes: string | null;
  ports_mappings: string | null;
  custom_network_aliases: string | null;
  health_check_enabled: boolean;
  health_check_type: string;
  health_check_command: string | null;
  health_check_path: string | null;
  /** A text column: a number sent comes back as text. */
  health_check_port: string | null;
  health_check_host: string;
  health_check_method: string;
  health_check_return_code: number;
  health_check_scheme: string;
  health_check_response_text: string | null;
  /** Seconds. */
  health_check_interval: number;
  health_check_timeout: number;
  health_check_retries: number;
  health_check_start_period: number;
  limits_memory: string;
  limits_memory_swap: string;
  limits_memory_swappiness: number;
  limits_memory_reservation: string;
  limits_cpus: string;
  limits_cpuset: string | null;
  limits_cpu_shares: number;
  preview_url_template: string;
  /** Base64 as sent, or the plain lines of generated labels until the next deployment encodes them. */
  custom_labels: string | null;
  custom_docker_run_options: string | null;
  pre_deployment_command: string | null;
  pre_deployment_command_container: string | null;
  post_deployment_command: string | null;
  post_deployment_command_container: string | null;
  manual_webhook_secret_github: string | null;
  manual_webhook_secret_gitlab: string | null;
  manual_webhook_secret_bitbucket: string | null;
  manual_webhook_secret_gitea: string | null;
  watch_paths: string | null;
  redirect: string;
  is_http_basic_auth_enabled: boolean;
  http_basic_auth_username: string | null;
  http_basic_auth_password: string | null;
  max_restart_count: number;
}

/** The settings row of an application, served as `settings`. */
export interface ApplicationSettings {
  is_static: boolean;
  is_spa: boolean;
  is_build_server_enabled: boolean;
  is_auto_deploy_enabled: boolean;
  is_force_https_enabled: boolean;
  is_debug_enabled: boolean;
  is_preview_deployments_enabled: boolean;
  is_container_label_escape_enabled: boolean;
  /** Generated labels overwrite edited ones while this is true; the API cannot change it (coollabsio/coolify#11092). */
  is_container_label_readonly_enabled: boolean;
  is_gzip_enabled: boolean;
  is_stripprefix_enabled: boolean;
  is_log_drain_enabled: boolean;
  is_gpu_enabled: boolean;
  gpu_driver: string | null;
  gpu_count: string | null;
  gpu_device_ids: string | null;
  gpu_options: string | null;
  is_env_sorting_enabled: boolean;
  is_consistent_container_name_enabled: boolean;
  custom_internal_name: string | null;
  custom_container_name_prefix: string | null;
  connect_to_docker_network: boolean;
  use_build_secrets: boolean;
  disable_build_cache: boolean;
  inject_build_args_to_dockerfile: boolean;
  include_source_commit_in_build: boolean;
  is_git_submodules_enabled: boolean;
  is_git_lfs_enabled: boolean;
  is_git_shallow_clone_enabled: boolean;
  is_pr_deployments_public_enabled: boolean;
  is_preserve_repository_enabled: boolean;
  is_raw_compose_deployment_enabled: boolean;
  docker_images_to_keep: number;
  /** Seconds; null means 30. */
  stop_grace_period: number | null;
}

/** A new record's columns. `maxRestartCount` is 10 up to 4.3.20 and 0 (unlimited) from 4.3.21. */
export function defaultColumns(name: string, maxRestartCount: number): ApplicationColumns {
  return {
    name,
    description: null,
    fqdn: null,
    noindex_domains: [],
    git_repository: "coollabsio/coolify",
    git_branch: "main",
    git_commit_sha: "HEAD",
    docker_registry_image_name: null,
    docker_registry_image_tag: null,
    build_pack: "dockerimage",
    ports_exposes: null,
    ports_mappings: null,
    custom_network_aliases: null,
    health_check_enabled: false,
    health_check_type: "http",
    health_check_command: null,
    health_check_path: "/",
    health_check_port: null,
    health_check_host: "localhost",
    health_check_method: "GET",
    health_check_return_code: 200,
    health_check_scheme: "http",
    health_check_response_text: null,
    health_check_interval: 5,
    health_check_timeout: 5,
    health_check_retries: 10,
    health_check_start_period: 5,
    limits_memory: "0",
    limits_memory_swap: "0",
    limits_memory_swappiness: 60,
    limits_memory_reservation: "0",
    limits_cpus: "0",
    limits_cpuset: null,
    limits_cpu_shares: 1024,
    preview_url_template: "{{pr_id}}.{{domain}}",
    custom_labels: null,
    custom_docker_run_options: null,
    pre_deployment_command: null,
    pre_deployment_command_container: null,
    post_deployment_command: null,
    post_deployment_command_container: null,
    manual_webhook_secret_github: null,
    manual_webhook_secret_gitlab: null,
    manual_webhook_secret_bitbucket: null,
    manual_webhook_secret_gitea: null,
    watch_paths: null,
    redirect: "both",
    is_http_basic_auth_enabled: false,
    http_basic_auth_username: null,
    http_basic_auth_password: null,
    max_restart_count: maxRestartCount,
  };
}

/** A new record's settings. */
export function defaultSettings(): ApplicationSettings {
  return {
    is_static: false,
    is_spa: false,
    is_build_server_enabled: false,
    is_auto_deploy_enabled: true,
    is_force_https_enabled: true,
    is_debug_enabled: false,
    is_preview_deployments_enabled: false,
    is_container_label_escape_enabled: true,
    is_container_label_readonly_enabled: true,
    is_gzip_enabled: true,
    is_stripprefix_enabled: true,
    is_log_drain_enabled: false,
    is_gpu_enabled: false,
    gpu_driver: null,
    gpu_count: null,
    gpu_device_ids: null,
    gpu_options: null,
    is_env_sorting_enabled: false,
    is_consistent_container_name_enabled: false,
    custom_internal_name: null,
    custom_container_name_prefix: null,
    connect_to_docker_network: false,
    use_build_secrets: false,
    disable_build_cache: false,
    inject_build_args_to_dockerfile: true,
    include_source_commit_in_build: false,
    is_git_submodules_enabled: true,
    is_git_lfs_enabled: true,
    is_git_shallow_clone_enabled: true,
    is_pr_deployments_public_enabled: false,
    is_preserve_repository_enabled: false,
    is_raw_compose_deployment_enabled: false,
    docker_images_to_keep: 2,
    stop_grace_period: null,
  };
}
