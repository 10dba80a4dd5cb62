import { z } from "zod";
import { parseJson } from "../json.ts";

/** Shapes of Coolify's answers as the server gives them (379abb2, app/Http/Controllers/Api), not as its OpenAPI says. */

export const Uuid = z.object({ uuid: z.string() });

export const Named = z.object({ uuid: z.string(), name: z.string() });

/** In the list `is_reachable` and `is_usable` stand beside the settings too (379abb2, ServersController.php). */
export const Server = z.object({
  uuid: z.string(),
  name: z.string(),
  ip: z.string().optional(),
  proxy: z.object({ type: z.string().nullish(), status: z.string().nullish() }).nullish(),
  settings: z.object({ is_reachable: z.coerce.boolean().nullish(), is_usable: z.coerce.boolean().nullish() }).nullish(),
});
export type Server = z.infer<typeof Server>;

/** `configuration` is there exactly for a token with read:sensitive, if only as null (379abb2, ServerProxyController.php). */
export const Proxy = z.object({
  proxy_type: z.string().nullish(),
  status: z.string().nullish(),
  configuration: z.unknown().optional(),
});

export const Team = z.object({ id: z.int(), name: z.string() });

/** A docker network of a server. */
export const Destination = z.object({ uuid: z.string(), name: z.string(), network: z.string().nullish() });

/** From 4.4; `error` says why the server's logins could not be read (ServerDockerRegistriesController.php of that release). */
export const RegistryLogins = z.object({
  registries: z.array(z.object({ registry: z.string(), logged_in: z.boolean(), username: z.string().nullish() })),
  error: z.string().nullish(),
});

/** An environment with what lives in it: the call for adopting by name. */
export const EnvironmentContents = z.object({
  uuid: z.string(),
  name: z.string(),
  applications: z.array(Named).default([]),
  postgresqls: z.array(Named).default([]),
  redis: z.array(Named).default([]),
});

const Setting = z.union([z.string(), z.number(), z.boolean()]).nullish();

/** An application: flat fields and a `settings` object; what a token may not see is absent. */
export const Application = z
  .object({
    uuid: z.string(),
    name: z.string(),
    description: z.string().nullish(),
    status: z.string().nullish(),
    docker_registry_image_name: z.string().nullish(),
    docker_registry_image_tag: z.string().nullish(),
    custom_labels: z.string().nullish(),
    settings: z.record(z.string(), z.unknown()).nullish(),
  })
  .catchall(z.unknown());
export type Application = z.infer<typeof Application>;

/**
 * The applications of an environment as its own call lists them: the fields of an application without `settings`, with the number
 * that deployments refer to.
 */
export const EnvironmentApplications = z.object({
  applications: z.array(Application.extend({ id: z.number().optional() })).default([]),
});
export type ListedApplication = z.infer<typeof EnvironmentApplications>["applications"][number];

/** A setting, wherever this version puts it: beside the application's fields or in `settings`. */
export function settingOf(application: Application, name: string): z.infer<typeof Setting> {
  const value = application[name] ?? application.settings?.[name];
  const parsed = Setting.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

export const EnvironmentVariable = z.object({
  uuid: z.string(),
  key: z.string(),
  /** Absent without read:sensitive, and for rows that are shown once. */
  value: z.string().nullish(),
  is_preview: z.coerce.boolean().default(false),
  is_literal: z.coerce.boolean().default(false),
  is_multiline: z.coerce.boolean().nullish(),
  is_shown_once: z.coerce.boolean().nullish(),
  is_runtime: z.coerce.boolean().default(true),
  is_buildtime: z.coerce.boolean().default(true),
});
export type EnvironmentVariable = z.infer<typeof EnvironmentVariable>;

export const Deployment = z.object({
  deployment_uuid: z.string(),
  status: z.string(),
  created_at: z.string().nullish(),
  /** A JSON string of entries; only with read:sensitive. */
  logs: z.string().nullish(),
});
export type Deployment = z.infer<typeof Deployment>;

const OpenDeployment = z.object({ application_id: z.coerce.string() });

/** `{count, deployments}` here, although the OpenAPI says a list (coollabsio/coolify#5874); the list may be keyed by index (#10077). */
export const DeploymentList = z.object({
  deployments: z
    .union([z.array(Deployment), z.record(z.string(), Deployment)])
    .transform((list) => (Array.isArray(list) ? list : Object.values(list))),
});

/** What is queued or running on the team's servers; a list, or keyed by index (#10077). */
export const OpenDeployments = z
  .union([z.array(OpenDeployment), z.record(z.string(), OpenDeployment)])
  .transform((list) => (Array.isArray(list) ? list : Object.values(list)));

export const DeployAnswer = z.object({
  deployments: z.array(
    z.object({ message: z.string().nullish(), resource_uuid: z.string(), deployment_uuid: z.string().nullish() }),
  ),
});

export const Database = z
  .object({
    uuid: z.string(),
    name: z.string(),
    description: z.string().nullish(),
    status: z.string().nullish(),
    image: z.string().nullish(),
    is_public: z.coerce.boolean().default(false),
    public_port: z.coerce.string().nullish(),
  })
  .catchall(z.unknown());

const LogEntries = z.array(z.object({ output: z.string().nullish(), hidden: z.boolean().nullish() }));

/** The last lines of a deployment's log, or why there are none. */
export function logTail({ logs }: Deployment, lines = 15): string {
  if (!logs) return "(no log: the token lacks read:sensitive)";
  const entries = LogEntries.safeParse(parseJson(logs));
  if (!entries.success) return "(a log in an unknown shape)";
  return entries.data
    .flatMap(({ output, hidden }) => (hidden || !output ? [] : output.trimEnd().split("\n")))
    .slice(-lines)
    .join("\n");
}
