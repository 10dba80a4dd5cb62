import { z } from "zod";
import { Drain } from "../drain/spec.ts";
import { AssetsId, LedgerLocation, PinnedImage, ReleaseStamp } from "../release/spec.ts";

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
  /** Name, network or uuid; needed only when the server has several. */
  destination: z.string().optional(),
  /** Name or number of the team that everything belongs to. */
  team: z.string().optional(),
  registry: z.strictObject({ host: z.string(), username: z.string() }).optional(),
  /** What is going to be routed there: nothing else may have these names or be routed by these hosts. */
  applications: z.array(z.strictObject({ name: z.string(), hosts: z.array(z.string()) })).optional(),
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
  /**
   * What Coolify's gate, which is Docker's health check, asks in its place: 503 until the application was ready once, then 200 for
   * good. Docker calling every container unhealthy leaves no route (404); readiness failing everywhere leaves 503s that end with it.
   */
  startedPath: z
    .string()
    .regex(/^\/[^?=&]+$/)
    .optional(),
  intervalSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1),
  retries: z.int().min(1),
  startPeriodSeconds: z.int().min(0),
});
export type HealthGate = z.infer<typeof HealthGate>;

/** How requests for a build's files are told from all others, and those of one build from those of another. */
export const AssetRoute = z.strictObject({
  /** Where the files are: `/_next/static/`. */
  pathPrefix: z.string().regex(/^\/[A-Za-z0-9._~/-]*\/$/),
  /** The query parameter in which pages name their build: `dpl` with Next.js. */
  query: z.string().regex(/^[A-Za-z0-9_-]+$/),
  id: AssetsId,
});
export type AssetRoute = z.infer<typeof AssetRoute>;

/**
 * How the first replica of a new image is watched before the next one moves: its own `/metrics` beside those of the replicas that
 * still run the old image, over one and the same time.
 */
export const Canary = z.strictObject({
  holdSeconds: z.int().min(1),
  /** Prometheus text with `http_requests_total{route,status}` and `http_request_duration_seconds`. */
  metricsPath: z.string().startsWith("/"),
  /** By how much its share of 5xx answers may be above that of the old ones; 0.01 is one in a hundred. */
  maxErrorRatio: z.number().min(0).max(1),
  /** How many times the old ones' mean time of an answer its own may be. */
  maxLatencyRatio: z.number().min(1),
  /** Fewer answers than this, on either side, are not judged. */
  minRequests: z.int().min(1),
});
export type Canary = z.infer<typeof Canary>;

const ApplicationFields = z.strictObject({
  owner: z.string(),
  placement: Placement,
  name: z.string().regex(/^[a-z][a-z0-9-]{1,30}$/),
  environment: z.string(),
  image: PinnedImage,
  port: z.int(),
  /** Public host names, routed by the proxy; empty for a worker. */
  hosts: z.array(z.string()),
  tls: z.boolean(),
  /** Left out where files of different builds do not differ, or pages do not say which they mean. */
  assets: AssetRoute.optional(),
  /** Only in the sandbox: the proxy's port, when it is not 80 or 443. */
  publicPort: z.int().optional(),
  /** Each is an application of its own in Coolify: `<name>`, `<name>-2`, `<name>-3`. */
  replicas: z.int().min(1),
  health: HealthGate,
  versionPath: z.string().startsWith("/"),
  /** Right answers in a row on a replica's own route before the next one moves. */
  gateAnswers: z.int().min(1).default(3),
  /** Null: the next replica moves as soon as the first one answers. */
  canary: Canary.nullable().default(null),
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
  /** Longest time for one step of one replica: a quiet queue, a deployment. */
  rolloutTimeoutSeconds: z.number().positive(),
  /** The results of the commands before it. */
  after: z.array(z.string()),
});

/**
 * One application at one digest. Values of secret variables come in the environment as VARIABLE_<name>; `secretVariables` lists
 * their names.
 */
export const ApplicationSpec = ApplicationFields.superRefine((spec, context) => {
  for (const { path, message } of contradictions(spec)) context.addIssue({ code: "custom", path, message });
});
export type ApplicationSpec = z.infer<typeof ApplicationSpec>;

/** Settings that are right one by one and lose requests, or can never pass, together. */
function contradictions({
  drain,
  stopGracePeriodSeconds,
  health,
  canary,
  hosts,
  rolloutTimeoutSeconds,
}: z.infer<typeof ApplicationFields>): { path: string[]; message: string }[] {
  const drainSeconds = drain.readySeconds + drain.drainSeconds;
  const gateSeconds = health.startPeriodSeconds + health.intervalSeconds * health.retries;
  const problems = [
    {
      wrong: stopGracePeriodSeconds <= drainSeconds,
      path: ["stopGracePeriodSeconds"],
      message: `must be above drain.readySeconds + drain.drainSeconds (${drainSeconds}), got ${stopGracePeriodSeconds}: Docker kills what still drains. Raise it`,
    },
    {
      wrong: gateSeconds > rolloutTimeoutSeconds,
      path: ["rolloutTimeoutSeconds"],
      message: `must cover the health gate (start period + interval x retries = ${gateSeconds}), got ${rolloutTimeoutSeconds}. Raise it, or lower health.retries`,
    },
    {
      wrong: canary !== null && canary.holdSeconds >= rolloutTimeoutSeconds,
      path: ["canary", "holdSeconds"],
      message: `must be below rolloutTimeoutSeconds (${rolloutTimeoutSeconds}), got ${canary?.holdSeconds ?? 0}. Hold for less, or raise the limit`,
    },
    {
      wrong: canary !== null && hosts.length === 0,
      path: ["canary"],
      message: "must be null without hosts: a replica's metrics are asked for on its own route. Remove it",
    },
  ];
  return problems.filter(({ wrong }) => wrong);
}

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
