import type { ApplicationColumns, ApplicationSettings } from "./application-columns.ts";
import type { Json } from "./json.ts";

/** What every stored record has. Times are Laravel's: ISO 8601 with six decimals. */
interface Stored {
  id: number;
  uuid: string;
  created_at: string;
  updated_at: string;
}

export interface Team {
  id: number;
  name: string;
}

export interface Server extends Stored {
  teamId: number;
  name: string;
  description: string | null;
  ip: string;
  user: string;
  port: number;
  proxyType: "TRAEFIK" | "CADDY" | "NONE";
  wildcardDomain: string | null;
  concurrent_builds: number;
  deployment_queue_limit: number;
  /** Seconds after which a deployment is given up. */
  dynamic_timeout: number;
}

/** A docker network on a server. */
export interface Destination extends Stored {
  serverId: number;
  name: string;
  network: string;
}

export interface Project extends Stored {
  teamId: number;
  name: string;
  description: string | null;
}

export interface Environment extends Stored {
  projectId: number;
  name: string;
  description: string | null;
}

/** What lives in an environment, on a destination. */
export interface Placed {
  environmentId: number;
  destinationId: number;
}

export interface Application extends Stored, Placed {
  columns: ApplicationColumns;
  settings: ApplicationSettings;
  tagIds: number[];
}

export type DatabaseKind = "postgresql" | "redis";

export interface Database extends Stored, Placed {
  kind: DatabaseKind;
  /** Everything a PATCH may change, by its name in the API. */
  columns: Record<string, Json>;
  tagIds: number[];
}

/** A service made of a compose file. Kept as a record: this stand-in does not run compose. */
export interface Service extends Stored, Placed {
  name: string;
  description: string | null;
  dockerComposeRaw: string;
  isContainerLabelEscapeEnabled: boolean;
  connectToDockerNetwork: boolean;
  tagIds: number[];
}

export type Owner = "application" | "database" | "service";

export interface Variable extends Stored {
  owner: Owner;
  ownerId: number;
  key: string;
  value: string | null;
  comment: string | null;
  is_preview: boolean;
  is_literal: boolean;
  is_multiline: boolean | null;
  is_shown_once: boolean | null;
  is_runtime: boolean;
  is_buildtime: boolean;
}

export interface Storage extends Stored {
  owner: Owner;
  ownerId: number;
  type: "persistent" | "file";
  name: string | null;
  mount_path: string;
  host_path: string | null;
  fs_path: string | null;
  content: string | null;
  is_directory: boolean;
  is_preview_suffix_enabled: boolean;
}

export interface Tag extends Stored {
  teamId: number;
  name: string;
}

export interface ScheduledTask extends Stored {
  owner: Owner;
  ownerId: number;
  name: string;
  command: string;
  frequency: string;
  container: string | null;
  timeout: number;
  enabled: boolean;
}

export interface TaskExecution extends Stored {
  taskId: number;
  status: "running" | "success" | "failed";
  message: string | null;
  retry_count: number;
  duration: number | null;
  started_at: string;
  finished_at: string | null;
}

export interface Backup extends Stored {
  databaseId: number;
  teamId: number;
  columns: Record<string, Json>;
  s3StorageId: number | null;
}

export interface S3Storage extends Stored {
  teamId: number;
  name: string;
  description: string | null;
  endpoint: string;
  bucket: string;
  region: string;
  key: string;
  secret: string;
  is_usable: boolean;
}

type DeploymentStatus = "queued" | "in_progress" | "finished" | "failed" | "cancelled-by-user";

interface LogEntry {
  command: string | null;
  output: string;
  type: "stdout" | "stderr";
  timestamp: string;
  hidden: boolean;
  batch: number;
  /** Missing on the first entry, as in Coolify. */
  order?: number;
}

export interface Deployment {
  id: number;
  applicationId: number;
  applicationName: string;
  deployment_uuid: string;
  deployment_url: string;
  serverId: number;
  serverName: string;
  destinationId: number;
  commit: string;
  status: DeploymentStatus;
  pull_request_id: number;
  docker_registry_image_tag: string | null;
  force_rebuild: boolean;
  restart_only: boolean;
  rollback: boolean;
  is_api: boolean;
  logs: LogEntry[];
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}
