/**
 * What Coolify publishes about the part of its API that the sandbox plays: facts taken from openapi.yaml of coollabsio/coolify at 379abb2
 * (Apache-2.0). One operation a line: method, path, status of success, and what the answer is: `list of X`, a schema's name, or its
 * properties.
 */
export const publishedOperations = `
GET /applications 200 list of Application
POST /applications/dockerfile 201 {uuid}
POST /applications/dockerimage 201 {uuid}
POST /applications/private-deploy-key 201 {uuid}
POST /applications/private-github-app 201 {uuid}
POST /applications/public 201 {uuid}
GET /applications/{uuid} 200 Application
DELETE /applications/{uuid} 200 {message}
PATCH /applications/{uuid} 200 {uuid}
POST /applications/{uuid}/clone 201 {message,uuid}
GET /applications/{uuid}/destinations 200
POST /applications/{uuid}/destinations 201
DELETE /applications/{uuid}/destinations/{destination_uuid} 200
GET /applications/{uuid}/envs 200 list of EnvironmentVariable
POST /applications/{uuid}/envs 201 {uuid}
PATCH /applications/{uuid}/envs 201 EnvironmentVariable
PATCH /applications/{uuid}/envs/bulk 201 list of EnvironmentVariable
DELETE /applications/{uuid}/envs/{env_uuid} 200 {message}
GET /applications/{uuid}/logs 200 {logs}
POST /applications/{uuid}/migrate 200
POST /applications/{uuid}/move 200 {environment_uuid,message,project_uuid,uuid}
DELETE /applications/{uuid}/previews/{pull_request_id} 200 {message}
POST /applications/{uuid}/restart 200 {deployment_uuid,message}
POST /applications/{uuid}/rollback 200 {deployment_uuid,message}
GET /applications/{uuid}/rollback-images 200 {current,images}
GET /applications/{uuid}/scheduled-tasks 200 list of ScheduledTask
POST /applications/{uuid}/scheduled-tasks 201 ScheduledTask
DELETE /applications/{uuid}/scheduled-tasks/{task_uuid} 200 {message}
PATCH /applications/{uuid}/scheduled-tasks/{task_uuid} 200 ScheduledTask
POST /applications/{uuid}/scheduled-tasks/{task_uuid}/execute 200
GET /applications/{uuid}/scheduled-tasks/{task_uuid}/executions 200 list of ScheduledTaskExecution
POST /applications/{uuid}/start 200 {deployment_uuid,message}
POST /applications/{uuid}/stop 200 {message}
GET /applications/{uuid}/storages 200 {file_storages,persistent_storages}
POST /applications/{uuid}/storages 201
PATCH /applications/{uuid}/storages 200
DELETE /applications/{uuid}/storages/{storage_uuid} 200 {message}
PUT /applications/{uuid}/storages/{storage_uuid}/backups 200 VolumeBackupScheduleResponse
DELETE /applications/{uuid}/storages/{storage_uuid}/backups 200
POST /applications/{uuid}/storages/{storage_uuid}/backups/run 200
GET /applications/{uuid}/tags 200 list of Tag
POST /applications/{uuid}/tags 201 list of Tag
DELETE /applications/{uuid}/tags/{tag_uuid} 200
GET /databases 200
POST /databases/clickhouse 200
POST /databases/dragonfly 200
POST /databases/keydb 200
POST /databases/mariadb 200
POST /databases/mongodb 200
POST /databases/mysql 200
POST /databases/postgresql 200
POST /databases/redis 200
GET /databases/{uuid} 200
DELETE /databases/{uuid} 200 {message}
PATCH /databases/{uuid} 200
GET /databases/{uuid}/backups 200
POST /databases/{uuid}/backups 201 {message,uuid}
DELETE /databases/{uuid}/backups/{scheduled_backup_uuid} 200 {message}
PATCH /databases/{uuid}/backups/{scheduled_backup_uuid} 200
GET /databases/{uuid}/backups/{scheduled_backup_uuid}/executions 200 {executions}
DELETE /databases/{uuid}/backups/{scheduled_backup_uuid}/executions/{execution_uuid} 200 {message}
POST /databases/{uuid}/clone 201
GET /databases/{uuid}/envs 200 list of EnvironmentVariable
POST /databases/{uuid}/envs 201 {uuid}
PATCH /databases/{uuid}/envs 201 EnvironmentVariable
PATCH /databases/{uuid}/envs/bulk 201 list of EnvironmentVariable
DELETE /databases/{uuid}/envs/{env_uuid} 200 {message}
GET /databases/{uuid}/logs 200 {logs}
POST /databases/{uuid}/migrate 200
POST /databases/{uuid}/move 200 {environment_uuid,message,project_uuid,uuid}
POST /databases/{uuid}/restart 200 {message}
POST /databases/{uuid}/start 200 {message}
POST /databases/{uuid}/stop 200 {message}
GET /databases/{uuid}/storages 200 {file_storages,persistent_storages}
POST /databases/{uuid}/storages 201
PATCH /databases/{uuid}/storages 200
DELETE /databases/{uuid}/storages/{storage_uuid} 200 {message}
PUT /databases/{uuid}/storages/{storage_uuid}/backups 200 VolumeBackupScheduleResponse
DELETE /databases/{uuid}/storages/{storage_uuid}/backups 200
POST /databases/{uuid}/storages/{storage_uuid}/backups/run 200
GET /databases/{uuid}/tags 200 list of Tag
POST /databases/{uuid}/tags 201 list of Tag
DELETE /databases/{uuid}/tags/{tag_uuid} 200
POST /deploy 200 {deployments}
GET /deployments 200 list of ApplicationDeploymentQueue
GET /deployments/applications/{uuid} 200 list of Application
GET /deployments/{uuid} 200 ApplicationDeploymentQueue
POST /deployments/{uuid}/cancel 200 {deployment_uuid,message,status}
POST /disable 200 {message}
POST /enable 200 {message}
GET /health 200 text
GET /projects 200 list of Project
POST /projects 201 {uuid}
GET /projects/{uuid} 200 Project
DELETE /projects/{uuid} 200 {message}
PATCH /projects/{uuid} 201 {description,name,uuid}
GET /projects/{uuid}/environments 200 list of Environment
POST /projects/{uuid}/environments 201 {uuid}
DELETE /projects/{uuid}/environments/{environment_name_or_uuid} 200 {message}
PATCH /projects/{uuid}/environments/{environment_name_or_uuid} 200 {description,name,uuid}
GET /projects/{uuid}/environments/{environment_name_or_uuid}/envs 200
POST /projects/{uuid}/environments/{environment_name_or_uuid}/envs 201
DELETE /projects/{uuid}/environments/{environment_name_or_uuid}/envs/{env_id} 200
PATCH /projects/{uuid}/environments/{environment_name_or_uuid}/envs/{env_id} 200
GET /projects/{uuid}/envs 200
POST /projects/{uuid}/envs 201
DELETE /projects/{uuid}/envs/{env_id} 200
PATCH /projects/{uuid}/envs/{env_id} 200
GET /projects/{uuid}/{environment_name_or_uuid} 200 Environment
GET /resources 200
GET /s3-storages 200 list
POST /s3-storages 201 {uuid}
GET /s3-storages/{uuid} 200 {bucket,created_at,description,endpoint,is_usable,name,region,team_id,updated_at,uuid}
DELETE /s3-storages/{uuid} 200 {message}
PATCH /s3-storages/{uuid} 200 {uuid}
POST /s3-storages/{uuid}/validate 200 {message,valid}
GET /servers 200 list of Server
POST /servers 201 {uuid}
POST /servers/digitalocean 201
POST /servers/hetzner 201 {hetzner_server_id,ip,uuid}
POST /servers/import 200
POST /servers/vultr 201
GET /servers/{server_uuid}/destinations 200 list of Destination
POST /servers/{server_uuid}/destinations 201 Destination
GET /servers/{uuid} 200 Server
DELETE /servers/{uuid} 200 {message}
PATCH /servers/{uuid} 201 Server
POST /servers/{uuid}/claim 200
GET /servers/{uuid}/cloudflare-tunnel 200 {ip,ip_previous,is_cloudflare_tunnel}
PATCH /servers/{uuid}/cloudflare-tunnel 200
POST /servers/{uuid}/cloudflare-tunnel/disable 200
POST /servers/{uuid}/cloudflare-tunnel/enable 200
GET /servers/{uuid}/docker-cleanup 200 {delete_unused_networks,delete_unused_volumes,disable_application_image_retention,docker_cleanup_frequency,docker_cleanup_threshold,force_docker_cleanup}
PATCH /servers/{uuid}/docker-cleanup 200 {delete_unused_networks,delete_unused_volumes,disable_application_image_retention,docker_cleanup_frequency,docker_cleanup_threshold,force_docker_cleanup}
GET /servers/{uuid}/docker-cleanup/executions 200 list
POST /servers/{uuid}/docker-cleanup/run 200 {message}
GET /servers/{uuid}/domains 200 list
GET /servers/{uuid}/envs 200
POST /servers/{uuid}/envs 201
DELETE /servers/{uuid}/envs/{env_id} 200
PATCH /servers/{uuid}/envs/{env_id} 200
GET /servers/{uuid}/export 200
POST /servers/{uuid}/export/mailbox 200
GET /servers/{uuid}/log-drains 200 {is_logdrain_axiom_enabled,is_logdrain_custom_enabled,is_logdrain_newrelic_enabled,logdrain_axiom_api_key,logdrain_axiom_dataset_name,logdrain_custom_config,logdrain_custom_config_parser,logdrain_newrelic_base_uri,logdrain_newrelic_license_key}
PATCH /servers/{uuid}/log-drains 200
POST /servers/{uuid}/migrate 200
GET /servers/{uuid}/proxy 200 {configuration,generate_exact_labels,proxy_type,redirect_enabled,redirect_url,status}
PATCH /servers/{uuid}/proxy 200 {configuration,generate_exact_labels,proxy_type,redirect_enabled,redirect_url,status}
PUT /servers/{uuid}/proxy/configuration 200 {configuration,generate_exact_labels,message,proxy_type,redirect_enabled,redirect_url,status}
POST /servers/{uuid}/proxy/restart 200 {message}
GET /servers/{uuid}/resources 200 list
GET /servers/{uuid}/sentinel 200 {is_metrics_enabled,is_sentinel_debug_enabled,is_sentinel_enabled,sentinel_custom_url,sentinel_metrics_history_days,sentinel_metrics_refresh_rate_seconds,sentinel_push_interval_seconds,sentinel_token,sentinel_updated_at}
PATCH /servers/{uuid}/sentinel 200
POST /servers/{uuid}/transfer/complete 200
POST /servers/{uuid}/validate 201 {message}
GET /services 200 list of Service
POST /services 201 {domains,uuid}
GET /services/{uuid} 200 Service
DELETE /services/{uuid} 200 {message}
PATCH /services/{uuid} 200 {domains,uuid}
GET /services/{uuid}/applications 200 list
GET /services/{uuid}/applications/{app_uuid} 200
PATCH /services/{uuid}/applications/{app_uuid} 200
GET /services/{uuid}/applications/{app_uuid}/logs 200 {logs}
POST /services/{uuid}/applications/{app_uuid}/logs 200 {logs}
POST /services/{uuid}/applications/{app_uuid}/restart 200 {message}
POST /services/{uuid}/applications/{app_uuid}/start 200 {message}
POST /services/{uuid}/applications/{app_uuid}/stop 200 {message}
POST /services/{uuid}/clone 201
GET /services/{uuid}/databases 200 list
GET /services/{uuid}/databases/{database_uuid} 200
PATCH /services/{uuid}/databases/{database_uuid} 200
GET /services/{uuid}/databases/{database_uuid}/logs 200 {logs}
POST /services/{uuid}/databases/{database_uuid}/restart 200 {message}
POST /services/{uuid}/databases/{database_uuid}/start 200 {message}
POST /services/{uuid}/databases/{database_uuid}/stop 200 {message}
GET /services/{uuid}/envs 200 list of EnvironmentVariable
POST /services/{uuid}/envs 201 {uuid}
PATCH /services/{uuid}/envs 201 EnvironmentVariable
PATCH /services/{uuid}/envs/bulk 201 list of EnvironmentVariable
DELETE /services/{uuid}/envs/{env_uuid} 200 {message}
GET /services/{uuid}/logs 200 {logs}
POST /services/{uuid}/migrate 200
POST /services/{uuid}/move 200 {environment_uuid,message,project_uuid,uuid}
POST /services/{uuid}/restart 200 {message}
GET /services/{uuid}/scheduled-tasks 200 list of ScheduledTask
POST /services/{uuid}/scheduled-tasks 201 ScheduledTask
DELETE /services/{uuid}/scheduled-tasks/{task_uuid} 200 {message}
PATCH /services/{uuid}/scheduled-tasks/{task_uuid} 200 ScheduledTask
POST /services/{uuid}/scheduled-tasks/{task_uuid}/execute 200
GET /services/{uuid}/scheduled-tasks/{task_uuid}/executions 200 list of ScheduledTaskExecution
POST /services/{uuid}/start 200 {message}
POST /services/{uuid}/stop 200 {message}
GET /services/{uuid}/storages 200 {file_storages,persistent_storages}
POST /services/{uuid}/storages 201
PATCH /services/{uuid}/storages 200
DELETE /services/{uuid}/storages/{storage_uuid} 200 {message}
PUT /services/{uuid}/storages/{storage_uuid}/backups 200 VolumeBackupScheduleResponse
DELETE /services/{uuid}/storages/{storage_uuid}/backups 200
POST /services/{uuid}/storages/{storage_uuid}/backups/run 200
GET /services/{uuid}/tags 200 list of Tag
POST /services/{uuid}/tags 201 list of Tag
DELETE /services/{uuid}/tags/{tag_uuid} 200
GET /tags 200 list of Tag
POST /tags 201 Tag
DELETE /tags/{uuid} 200 {message}
PATCH /tags/{uuid} 200 Tag
GET /team 200 Team
GET /team/envs 200
POST /team/envs 201
DELETE /team/envs/{env_id} 200
PATCH /team/envs/{env_id} 200
GET /team/members 200 list of User
GET /teams 200 list of Team
GET /teams/{id} 200 Team
GET /teams/{id}/members 200 list of User
GET /version 200 text
`;

/** Properties of the published schemas. */
export const publishedSchemas: Record<string, string> = {
  Application:
    "base_directory build_command build_pack compose_parsing_version config_hash created_at custom_docker_run_options custom_healthcheck_found custom_labels custom_network_aliases custom_nginx_configuration deleted_at description destination_id destination_type docker_compose docker_compose_custom_build_command docker_compose_custom_start_command docker_compose_domains docker_compose_location docker_compose_raw docker_registry_image_name docker_registry_image_tag dockerfile dockerfile_location dockerfile_target_build environment_id fqdn git_branch git_commit_sha git_full_url git_repository health_check_command health_check_enabled health_check_host health_check_interval health_check_method health_check_path health_check_port health_check_response_text health_check_retries health_check_return_code health_check_scheme health_check_start_period health_check_timeout health_check_type http_basic_auth_password http_basic_auth_username id install_command is_http_basic_auth_enabled limits_cpu_shares limits_cpus limits_cpuset limits_memory limits_memory_reservation limits_memory_swap limits_memory_swappiness manual_webhook_secret_bitbucket manual_webhook_secret_gitea manual_webhook_secret_github manual_webhook_secret_gitlab max_restart_count name noindex_domains ports_exposes ports_mappings post_deployment_command post_deployment_command_container pre_deployment_command pre_deployment_command_container preview_url_template private_key_id publish_directory redirect repository_project_id settings source_id start_command static_image status swarm_placement_constraints swarm_replicas updated_at uuid watch_paths",
  ApplicationDeploymentQueue:
    "application_id application_name commit commit_message configuration_diff configuration_hash configuration_snapshot created_at current_process_id deployment_url deployment_uuid destination_id docker_registry_image_tag force_rebuild git_type id is_api is_webhook logs only_this_server pull_request_id restart_only rollback server_id server_name status updated_at",
  EnvironmentVariable:
    "comment created_at id is_buildtime is_literal is_multiline is_preview is_runtime is_shared is_shown_once key real_value resourceable_id resourceable_type updated_at uuid value version",
  Environment: "created_at description id name project_id updated_at",
  Project: "description id name uuid",
  ScheduledTask: "command container created_at enabled frequency id name timeout updated_at uuid",
  Server:
    "description high_disk_usage_notification_sent id ip log_drain_notification_sent name port proxy proxy_type settings swarm_cluster unreachable_count unreachable_notification_sent user uuid validation_logs",
  ServerSetting:
    "concurrent_builds connection_timeout created_at delete_unused_networks delete_unused_volumes deployment_queue_limit docker_cleanup_frequency docker_cleanup_threshold dynamic_timeout force_disabled force_server_cleanup id is_build_server is_cloudflare_tunnel is_jump_server is_logdrain_axiom_enabled is_logdrain_custom_enabled is_logdrain_highlight_enabled is_logdrain_newrelic_enabled is_metrics_enabled is_reachable is_sentinel_enabled is_swarm_manager is_swarm_worker is_terminal_enabled is_usable logdrain_axiom_api_key logdrain_axiom_dataset_name logdrain_custom_config logdrain_custom_config_parser logdrain_highlight_project_id logdrain_newrelic_base_uri logdrain_newrelic_license_key sentinel_metrics_history_days sentinel_metrics_refresh_rate_seconds sentinel_token server_id updated_at wildcard_domain",
  Service:
    "config_hash connect_to_docker_network created_at deleted_at description destination_id destination_type docker_compose docker_compose_raw environment_id id is_container_label_escape_enabled is_container_label_readonly_enabled name server_id service_type updated_at uuid",
  Tag: "created_at name updated_at uuid",
  Team: "created_at custom_server_limit description id members name personal_team show_boarding updated_at",
};
