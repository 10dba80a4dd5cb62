import { createHash } from "node:crypto";
import type { Coolify } from "../context.ts";
import type { Application } from "../records.ts";
import { locate, placeOf } from "../resources/lookup.ts";
import { domainList } from "../validation/domains.ts";

/** The labels that Coolify puts on every container of its own (379abb2, defaultLabels in bootstrap/helpers/docker.php). */
export function defaultLabels(coolify: Coolify, application: Application): string[] {
  const { environment, project } = placeOf(coolify, application);
  return [
    "coolify.managed=true",
    `coolify.version=${coolify.version.text}`,
    `coolify.applicationId=${application.id}`,
    "coolify.type=application",
    `coolify.name=${slug(application.uuid)}`,
    `coolify.resourceName=${slug(application.columns.name)}`,
    `coolify.projectName=${slug(project.name)}`,
    `coolify.serviceName=${slug(application.columns.name)}`,
    `coolify.environmentName=${slug(environment.name)}`,
    "coolify.pullRequestId=0",
  ];
}

/**
 * The proxy labels that Coolify makes of an application's domains: Traefik's and Caddy's, since exact labels are off by default. None
 * without a domain. Source: 379abb2, generateLabelsApplication, fqdnLabelsForTraefik, fqdnLabelsForCaddy. One difference: passwords of
 * basic authentication are hashed as `{SHA}` instead of bcrypt, which Node lacks; Traefik accepts both.
 */
export function generatedLabels(coolify: Coolify, application: Application): string[] {
  const domains = domainList(application.columns.fqdn);
  if (domains.length === 0) return [];
  const { destination } = locate(coolify, application);
  return [
    ...traefik(application, domains).sort(compare),
    ...caddy(application, domains, destination.network).sort(compare),
  ];
}

/** Lower-case words joined by hyphens (Laravel's Str::slug). */
export function slug(value: string): string {
  return value
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("@", "-at-")
    .replaceAll("_", "-")
    .replace(/[^a-z0-9\s-]/g, "")
    .replace(/[\s-]+/g, "-")
    .replace(/^-|-$/g, "");
}

function traefik({ uuid, columns, settings }: Application, domains: string[]): string[] {
  const labels = ["traefik.enable=true"];
  if (settings.is_gzip_enabled) labels.push("traefik.http.middlewares.gzip.compress=true");
  labels.push("traefik.http.middlewares.redirect-to-https.redirectscheme.scheme=https");
  const auth = `http-basic-auth-${uuid}`;
  const user = basicAuth(columns);
  if (user !== undefined) labels.push(`traefik.http.middlewares.${auth}.basicauth.users=${user.name}:${user.hash}`);

  domains.forEach((domain, index) => {
    const { protocol, hostname, port: ownPort, pathname } = new URL(domain);
    const port = ownPort || firstPort(columns.ports_exposes);
    const [http, https] = [`http-${index}-${uuid}`, `https-${index}-${uuid}`];
    const noindex = columns.noindex_domains.includes(domain) ? `${index}-${uuid}-noindex` : undefined;
    if (noindex !== undefined) {
      labels.push(`traefik.http.middlewares.${noindex}.headers.customresponseheaders.X-Robots-Tag=noindex, nofollow`);
    }
    const router = protocol === "https:" ? https : http;
    const middlewares: string[] = [];
    if (pathname !== "/" && settings.is_stripprefix_enabled) {
      labels.push(`traefik.http.middlewares.${router}-stripprefix.stripprefix.prefixes=${pathname}`);
      middlewares.push(`${router}-stripprefix`);
    }
    if (settings.is_gzip_enabled) middlewares.push("gzip");
    const redirect = wwwRedirect(columns.redirect, hostname, `${index}-${uuid}`);
    if (redirect !== undefined) {
      labels.push(...redirect.labels);
      middlewares.push(redirect.name);
    }
    if (user !== undefined) middlewares.push(auth);
    if (noindex !== undefined) middlewares.push(noindex);

    const rule = `Host(\`${hostname}\`) && PathPrefix(\`${pathname}\`)`;
    const route = (name: string, entryPoint: string, chain: string[]): void => {
      labels.push(
        `traefik.http.routers.${name}.rule=${rule}`,
        `traefik.http.routers.${name}.entryPoints=${entryPoint}`,
      );
      if (port !== undefined) {
        labels.push(`traefik.http.routers.${name}.service=${name}`);
        labels.push(`traefik.http.services.${name}.loadbalancer.server.port=${port}`);
      }
      if (chain.length > 0) labels.push(`traefik.http.routers.${name}.middlewares=${chain.join(",")}`);
    };
    if (protocol === "https:") {
      route(https, "https", middlewares);
      labels.push(
        `traefik.http.routers.${https}.tls=true`,
        `traefik.http.routers.${https}.tls.certresolver=letsencrypt`,
      );
      const forced = [...(noindex === undefined ? [] : [noindex]), "redirect-to-https"];
      route(http, "http", settings.is_force_https_enabled ? forced : middlewares);
    } else {
      route(http, "http", middlewares);
    }
  });
  return labels;
}

function caddy({ columns, settings }: Application, domains: string[], network: string): string[] {
  const labels = [`caddy_ingress_network=${network}`];
  const user = basicAuth(columns);
  domains.forEach((domain, index) => {
    const { protocol, hostname, port: ownPort, pathname } = new URL(domain);
    const scheme = protocol.slice(0, -1);
    const port = ownPort || firstPort(columns.ports_exposes);
    const handle = settings.is_stripprefix_enabled ? "handle_path" : "handle";
    const both = scheme === "https" && !settings.is_force_https_enabled;
    labels.push(`caddy_${index}=${both ? `http://${hostname}, https://${hostname}` : `${scheme}://${hostname}`}`);
    if (columns.noindex_domains.includes(domain)) {
      labels.push(`caddy_${index}.header.0_-Server=`, `caddy_${index}.header.1_X-Robots-Tag="noindex, nofollow"`);
    } else {
      labels.push(`caddy_${index}.header=-Server`);
    }
    labels.push(`caddy_${index}.try_files={path} /index.html /index.php`);
    const upstreams = port === undefined ? "{{upstreams}}" : `{{upstreams ${port}}}`;
    labels.push(
      `caddy_${index}.${handle}.${index}_reverse_proxy=${upstreams}`,
      `caddy_${index}.${handle}=${pathname}*`,
    );
    if (settings.is_gzip_enabled) labels.push(`caddy_${index}.encode=zstd gzip`);
    const target = settings.is_force_https_enabled ? scheme : "{scheme}";
    if (columns.redirect === "www" && !hostname.startsWith("www.")) {
      labels.push(`caddy_${index}.redir=${target}://www.${hostname}{uri}`);
    }
    if (columns.redirect === "non-www" && hostname.startsWith("www.")) {
      labels.push(`caddy_${index}.redir=${target}://${hostname.replace("www.", "")}{uri}`);
    }
    if (user !== undefined) labels.push(`caddy_${index}.basicauth.${user.name}="${user.hash}"`);
  });
  return labels;
}

function wwwRedirect(direction: string, host: string, prefix: string): { name: string; labels: string[] } | undefined {
  const make = (name: string, regex: string, replacement: string) => ({
    name,
    labels: [
      `traefik.http.middlewares.${name}.redirectregex.regex=${regex}`,
      `traefik.http.middlewares.${name}.redirectregex.replacement=${replacement}`,
      `traefik.http.middlewares.${name}.redirectregex.permanent=false`,
    ],
  });
  if (direction === "non-www" && host.startsWith("www.")) {
    return make(`${prefix}-to-non-www`, "^(http|https)://www\\.(.+)", "${1}://${2}");
  }
  if (direction === "www" && !host.startsWith("www.")) {
    return make(`${prefix}-to-www`, "^(http|https)://(?:www\\.)?(.+)", "${1}://www.${2}");
  }
  return undefined;
}

function basicAuth(columns: Application["columns"]): { name: string; hash: string } | undefined {
  const {
    is_http_basic_auth_enabled: enabled,
    http_basic_auth_username: name,
    http_basic_auth_password: password,
  } = columns;
  if (!enabled || name === null || password === null) return undefined;
  return { name, hash: `{SHA}${createHash("sha1").update(password).digest("base64")}` };
}

function firstPort(exposes: string | null): string | undefined {
  return exposes?.split(",")[0];
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
