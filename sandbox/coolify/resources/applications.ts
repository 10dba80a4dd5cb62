import { defaultColumns, defaultSettings } from "../application-columns.ts";
import type { Coolify } from "../context.ts";
import { imageFormatProblems, parseOnCreate } from "../deployments/image-reference.ts";
import { created, invalid, ok, refuse, type Reply } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { newPassword, newPublicId, timestamp } from "../identifiers.ts";
import { plain, type Fields } from "../json.ts";
import type { Application, Server } from "../records.ts";
import { domainProblems, normaliseDomains, refuseTakenDomains } from "../validation/domains.ts";
import { flagRule, list, required, rule, text, validate } from "../validation/field.ts";
import { imageTagRule } from "../validation/patterns.ts";
import { requireBase64 } from "../validation/base64.ts";
import { allowedFields, applyColumns, applySettings, sharedRules } from "./application-fields.ts";
import { proxyShouldRun, regenerateLabels } from "./application-labels.ts";
import { removeApplication } from "./application-removal.ts";
import { describeApplication } from "./application-view.ts";
import { findApplication, locate, placement, teamOf } from "./lookup.ts";
import { attachTags, tagNames } from "./tags.ts";

/** Applications of type dockerimage; the other types answer 501 (Coolify 379abb2, ApplicationsController.php). */
export function applicationRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const unplayed = (type: string): Route => ({
    method: "POST",
    path: `/applications/${type}`,
    ability: "write",
    handle() {
      throw refuse(
        501,
        `The sandbox's Coolify builds nothing: make the application with POST /applications/dockerimage.`,
      );
    },
  });
  return [
    {
      method: "GET",
      path: "/applications",
      ability: "read",
      async handle({ teamId, query, sensitive }) {
        const tag = state.tags.find(({ name, teamId: owner }) => owner === teamId && name === query.tag);
        const own = state.applications.filter((application) => teamOf(coolify, application) === teamId);
        const wanted =
          query.tag === undefined ? own : own.filter(({ tagIds }) => tag !== undefined && tagIds.includes(tag.id));
        return ok(
          await Promise.all(wanted.map((application) => describeApplication(coolify, application, { sensitive }))),
        );
      },
    },
    {
      method: "POST",
      path: "/applications/dockerimage",
      ability: "write",
      handle: (request) => create(coolify, request),
    },
    ...["public", "private-github-app", "private-deploy-key", "dockerfile"].map(unplayed),
    {
      method: "GET",
      path: "/applications/:uuid",
      ability: "read",
      async handle({ params, teamId, sensitive }) {
        const application = findApplication(coolify, teamId, params.uuid ?? "");
        return ok(await describeApplication(coolify, application, { sensitive, settings: true }));
      },
    },
    { method: "PATCH", path: "/applications/:uuid", ability: "write", handle: (request) => change(coolify, request) },
    {
      method: "DELETE",
      path: "/applications/:uuid",
      ability: "write",
      handle({ params, teamId, input }) {
        const application = findApplication(coolify, teamId, params.uuid ?? "", "");
        const deleteVolumes = flag(input, "delete_volumes", true);
        coolify.background.start(`application ${application.id}`, () =>
          removeApplication(coolify, application, { deleteVolumes }),
        );
        return ok({ message: "Application deletion request queued." });
      },
    },
  ];
}

function create(coolify: Coolify, request: ApiRequest): Reply {
  requireJson(request);
  const { input, teamId } = request;
  const identity = {
    name: text({ max: 255 }),
    description: text({ nullable: true }),
    project_uuid: required(text()),
    environment_name: text({ nullable: true }),
    environment_uuid: text({ nullable: true }),
    server_uuid: required(text()),
    destination_uuid: text(),
    is_http_basic_auth_enabled: flagRule(),
    http_basic_auth_username: text({ nullable: true }),
    http_basic_auth_password: text({ nullable: true }),
    autogenerate_domain: flagRule(),
    tags: list(text({ min: 2 }), { nullable: true }),
  };
  validate(input, identity, allowedFields(coolify.version, "create"));
  const tags = tagNames(input);
  const place = placement(coolify, teamId, input);
  refuseRawCompose(input);
  validate(input, {
    ...sharedRules(),
    docker_registry_image_name: required(rule((value) => imageProblems(value))),
    docker_registry_image_tag: imageTagRule,
    ports_exposes: text({ nullable: true, pattern: /^(\d+)(,\d+)*$/ }),
  });
  checkTogether(coolify, place.server, input, { teamId });
  requireDeploy(coolify, request);

  const image = parseOnCreate(
    textOf(input, "docker_registry_image_name") ?? "",
    textOf(input, "docker_registry_image_tag"),
  );
  const maxRestarts = coolify.version.atLeast("4.3.21") ? 0 : 10;
  const application: Application = {
    ...coolify.store.stamp(),
    environmentId: place.environmentId,
    destinationId: place.destinationId,
    columns: defaultColumns(`docker-image-${newPublicId()}`, maxRestarts),
    settings: defaultSettings(),
    tagIds: [],
  };
  for (const source of ["github", "gitlab", "bitbucket", "gitea"] as const) {
    application.columns[`manual_webhook_secret_${source}`] = newPassword(40);
  }
  applyColumns(application.columns, input);
  applySettings(application.settings, input);
  application.columns.docker_registry_image_name = image.name;
  application.columns.docker_registry_image_tag = image.tag;
  application.columns.fqdn = normaliseDomains(textOf(input, "domains"));
  setNoindex(application, input);
  if (application.columns.fqdn === null && flag(input, "autogenerate_domain", true)) {
    application.columns.fqdn = generatedUrl(place.server, application.uuid);
  }
  coolify.store.state.applications.push(application);
  regenerateLabels(coolify, application);
  attachTags(coolify, teamId, application, tags);
  if (input.instant_deploy === true) coolify.queue.add(application, { skipsQueue: true });
  return created({ uuid: application.uuid, domains: application.columns.fqdn });
}

function change(coolify: Coolify, request: ApiRequest): Reply {
  requireJson(request);
  const { input, params, teamId } = request;
  const application = findApplication(coolify, teamId, params.uuid ?? "", "");
  const { server } = locate(coolify, application);
  if ("ports_exposes" in input && !/^\d+(,\d+)*$/.test(plain(input.ports_exposes))) {
    throw invalid({ ports_exposes: "The ports_exposes should be a comma separated list of numbers." });
  }
  checkTogether(coolify, server, input, { teamId, self: application.uuid });
  const rules = {
    ...sharedRules(),
    name: text({ max: 255 }),
    description: text({ nullable: true }),
    watch_paths: text({ nullable: true }),
    is_http_basic_auth_enabled: flagRule({ nullable: true }),
    is_preview_deployments_enabled: flagRule({ nullable: true }),
    http_basic_auth_username: text(),
    http_basic_auth_password: text(),
  };
  validate(input, rules, allowedFields(coolify.version, "change"));
  refuseRawCompose(input);
  requireCredentials(application, input);
  requireDeploy(coolify, request);

  const { columns, settings } = application;
  const touchesLabelSettings = applySettings(settings, input);
  if (touchesLabelSettings) regenerateLabels(coolify, application);
  applyColumns(columns, input);
  const routed = proxyShouldRun(coolify, application);
  if ("domains" in input && routed) columns.fqdn = normaliseDomains(textOf(input, "domains"));
  setNoindex(application, input);
  const touched = [
    "domains",
    "noindex_domains",
    "is_http_basic_auth_enabled",
    "http_basic_auth_username",
    "http_basic_auth_password",
  ];
  if (routed && touched.some((name) => name in input)) regenerateLabels(coolify, application);
  application.updated_at = timestamp();
  if (input.instant_deploy === true) {
    const queued = coolify.queue.add(application, {});
    if (queued.status === "skipped") return ok({ message: queued.message });
  }
  return ok({ uuid: application.uuid });
}

/** The checks of fields against each other and the world (Coolify 379abb2, validateDataApplications). */
function checkTogether(
  coolify: Coolify,
  server: Server,
  input: Fields,
  owner: { teamId: number; self?: string },
): void {
  if ("ports_mappings" in input) {
    const hostPorts = (textOf(input, "ports_mappings") ?? "").split(",").map((mapping) => mapping.split(":")[0]);
    if (new Set(hostPorts).size !== hostPorts.length) {
      throw invalid({ ports_mappings: "The first number before : should be unique between mappings." });
    }
  }
  if ("custom_labels" in input) requireBase64(input.custom_labels, "custom_labels");
  if ("domains" in input && server.proxyType !== "NONE") {
    const problems = domainProblems(input.domains ?? null);
    if (problems.length > 0) throw invalid(problems);
    refuseTakenDomains(coolify, normaliseDomains(textOf(input, "domains")), {
      ...owner,
      force: flag(input, "force_domain_override"),
    });
  }
}

function imageProblems(value: unknown): string[] {
  if (typeof value !== "string") return ["The docker registry image name field must be a string."];
  if (value.length > 255) return ["The docker registry image name field must not be greater than 255 characters."];
  return imageFormatProblems(value);
}

function requireCredentials({ columns }: Application, input: Fields): void {
  if (input.is_http_basic_auth_enabled !== true) return;
  if (columns.http_basic_auth_username !== null && columns.http_basic_auth_password !== null) return;
  const missing = ["http_basic_auth_username", "http_basic_auth_password"].filter(
    (name) => textOf(input, name) === undefined,
  );
  if (missing.length === 0) return;
  throw invalid(Object.fromEntries(missing.map((name) => [name, `The ${name} is required.`])));
}

/** From 4.4, instant_deploy needs the deploy ability. */
function requireDeploy(coolify: Coolify, { input, can }: ApiRequest): void {
  if (input.instant_deploy === true && coolify.version.atLeast("4.4") && !can("deploy")) {
    throw refuse(403, "Missing required permissions: deploy");
  }
}

function refuseRawCompose(input: Fields): void {
  if (flag(input, "is_raw_compose_deployment_enabled")) {
    const field = "is_raw_compose_deployment_enabled";
    throw invalid({ [field]: "Raw compose deployment can only be enabled for Docker Compose applications." });
  }
}

function setNoindex({ columns }: Application, input: Fields): void {
  const asked = Array.isArray(input.noindex_domains) ? input.noindex_domains.map(String) : columns.noindex_domains;
  const known = (columns.fqdn ?? "").split(",");
  columns.noindex_domains = asked.filter((domain) => known.includes(domain));
}

/** The host that Coolify makes up: `<uuid>.<wildcard>`, an sslip.io name of the server's address without one (generateUrl). */
function generatedUrl(server: Server, uuid: string): string {
  const wildcard = new URL(server.wildcardDomain ?? `http://${server.ip.replaceAll(":", "-")}.sslip.io`);
  return `${wildcard.protocol}//${uuid}.${wildcard.host}${wildcard.pathname === "/" ? "" : wildcard.pathname}`;
}
