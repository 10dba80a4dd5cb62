import type { Coolify } from "../context.ts";
import type { Fields, Json } from "../json.ts";
import { Refusal } from "../http/reply.ts";
import { rule, type Rule } from "./field.ts";

/** The URLs of a comma list. */
export function domainList(value: string | null | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
}

/** The problems of a comma list of http and https URLs (Coolify 379abb2, ValidationPatterns::validateApplicationDomains). */
export function domainProblems(value: Json): string[] {
  if (value === null || value === "") return [];
  if (typeof value !== "string") return ["The domains field must be a string."];
  return domainList(value).flatMap((url) => {
    if (/[`$;&|<>()\\\r\n]/.test(url)) return [`Invalid URL: ${url}`];
    const parsed = URL.parse(url);
    if (parsed === null || parsed.hostname === "") return [`Invalid URL: ${url}`];
    if (!["http:", "https:"].includes(parsed.protocol)) {
      const scheme = parsed.protocol.slice(0, -1);
      return [`Invalid URL scheme: ${scheme} for URL: ${url}. Only http and https are supported.`];
    }
    return [];
  });
}

/** The validator's form of the same. */
export const domainsRule: Rule = rule((value) => domainProblems(value), { nullable: true });

/** Lower-case scheme and host, null for an empty list. Paths keep their case. */
export function normaliseDomains(value: string | null | undefined): string | null {
  const urls = domainList(value).map((url) =>
    url.replace(
      /^([a-z]+):\/\/([^/?#]+)/i,
      (_match, scheme: string, host: string) => `${scheme.toLowerCase()}://${host.toLowerCase()}`,
    ),
  );
  return urls.length === 0 ? null : urls.join(",");
}

/**
 * Refuses with 409 when another application of the team has one of the domains, unless `force_domain_override` is sent.
 * Source: Coolify 379abb2, checkIfDomainIsAlreadyUsedViaAPI in bootstrap/helpers/domains.php.
 */
export function refuseTakenDomains(
  coolify: Coolify,
  domains: string | null,
  options: { teamId: number; self?: string; force: boolean },
): void {
  const wanted = domainList(domains).map(naked);
  const conflicts: Fields[] = teamApplications(coolify, options.teamId)
    .filter(({ uuid }) => uuid !== options.self)
    .flatMap(({ uuid, columns }) =>
      domainList(columns.fqdn)
        .map(naked)
        .filter((domain) => wanted.includes(domain))
        .map((domain) => ({
          domain,
          resource_name: columns.name,
          resource_uuid: uuid,
          resource_type: "application",
          message: `Domain ${domain} is already in use by application '${columns.name}'`,
        })),
    );
  if (conflicts.length === 0 || options.force) return;
  throw new Refusal(409, {
    message: "Domain conflicts detected. Use force_domain_override=true to proceed.",
    conflicts,
    warning: "Using the same domain for multiple resources can cause routing conflicts and unpredictable behavior.",
  });
}

function teamApplications({ store: { state } }: Coolify, teamId: number) {
  const projects = state.projects.filter((project) => project.teamId === teamId).map(({ id }) => id);
  const environments = state.environments.filter(({ projectId }) => projects.includes(projectId)).map(({ id }) => id);
  return state.applications.filter(({ environmentId }) => environments.includes(environmentId));
}

function naked(domain: string): string {
  return domain.endsWith("/") ? domain.slice(0, -1) : domain;
}
