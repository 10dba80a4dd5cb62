import { z } from "zod";
import { Drain } from "../drain/spec.ts";
import { LedgerLocation, PinnedImage, ReleaseStamp } from "../release/spec.ts";

/** Where on Coolify something lives. */
export const Placement = z.strictObject({
  projectUuid: z.string(),
  environmentName: z.string(),
  environmentUuid: z.string(),
  serverUuid: z.string(),
  /** Needed only when the server has several destinations. */
  destinationUuid: z.string().optional(),
});
export type Placement = z.infer<typeof Placement>;

/** The registry's password comes in the environment variable REGISTRY_PASSWORD. */
export const ProjectSpec = z.strictObject({
  owner: z.string(),
  name: z.string().min(3),
  environment: z.string().min(1),
  /** The server's name or uuid in Coolify. */
  server: z.string(),
  registry: z.strictObject({ host: z.string(), username: z.string() }).optional(),
});

/** The password comes in the environment variable POSTGRES_PASSWORD ([A-Za-z0-9] only: Coolify refuses more). */
export const PostgresSpec = z.strictObject({
  owner: z.string(),
  placement: Placement,
  name: z.string(),
  /** Image with a tag, for example `postgres:16-alpine`. */
  image: z.string(),
  user: z.string(),
  database: z.string(),
});

/** The password comes in the environment variable REDIS_PASSWORD. */
export const RedisSpec = z.strictObject({
  owner: z.string(),
  placement: Placement,
  name: z.string(),
  image: z.string(),
});

/** Host and port inside the destination's network. */
export const DatabaseResult = z.strictObject({ uuid: z.string(), host: z.string(), port: z.int() });

export const HealthGate = z.strictObject({
  /** Readiness: what Coolify's gate and the proxy's active check ask. No query string: Coolify refuses it. */
  path: z.string().regex(/^\/[^?=&]*$/),
  intervalSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1),
  retries: z.int().min(1),
  startPeriodSeconds: z.int().min(0),
});
export type HealthGate = z.infer<typeof HealthGate>;

/**
 * One application at one digest. Values of secret variables come in the environment as VARIABLE_<name>; `secretVariables` lists
 * their names.
 */
export const ApplicationSpec = z.strictObject({
  owner: z.string(),
  placement: Placement,
  name: z.string().regex(/^[a-z][a-z0-9-]{1,30}$/),
  environment: z.string(),
  image: PinnedImage,
  port: z.int(),
  /** Public host names, routed by the proxy; empty for a worker. */
  hosts: z.array(z.string()),
  tls: z.boolean(),
  /** Only in the sandbox: the proxy's port, when it is not 80 or 443. */
  publicPort: z.int().optional(),
  replicas: z.int().min(1),
  health: HealthGate,
  versionPath: z.string().startsWith("/"),
  drain: Drain,
  stopGracePeriodSeconds: z.int().min(1).max(3600),
  limits: z.strictObject({ memory: z.string().optional(), cpus: z.string().optional() }),
  variables: z.record(z.string(), z.string()),
  secretVariables: z.array(z.string()),
  /** Null for what is part of no release, such as the backup agent: its rollouts are not in the ledger. */
  stamp: ReleaseStamp.nullable(),
  ledger: LedgerLocation,
  /**
   * Configured and left stopped by `apply`; while somebody has it started, its routes win over those of every other application
   * on its hosts.
   */
  standby: z.boolean().optional(),
  rolloutTimeoutSeconds: z.number().positive(),
  /** The results of the commands before it. */
  after: z.array(z.string()),
});
export type ApplicationSpec = z.infer<typeof ApplicationSpec>;

export const ApplicationResult = z.strictObject({
  /** Null for what is part of no release. */
  attempt: z.string().nullable(),
  uuids: z.array(z.string()),
  url: z.url().nullable(),
  digest: z.string(),
});

/** The application that answers in place of the others during maintenance, and a page of users that shows whether it does. */
export const MaintenanceTarget = z.strictObject({
  /** In Coolify. */
  uuid: z.string(),
  /** Without a trailing slash. */
  url: z.url(),
});
export type MaintenanceTarget = z.infer<typeof MaintenanceTarget>;
