import { createHash } from "node:crypto";
import { retryAttempts } from "./labels.ts";
import type { ApplicationSpec } from "./spec.ts";

/** Above the routes for everybody, and no route of a single replica: a build's files are the same whoever asks, also during maintenance. */
const assetPriority = 1_000_000;

/**
 * The Traefik labels that send requests for a build's files to the containers that have them. During a rollout a page may come from
 * one release and its files be asked of the other, which does not know them (404). Containers of one build carry equal labels, so
 * they are one service; its route goes with the last of them, and what is still asked for then gets whatever the application answers.
 *
 * The service has no active check: the files of a replica that drains are asked for until it exits, by pages that it served. Names
 * carry a hash of everything in the definition, as all our names do.
 */
export function assetLabels({
  environment,
  name,
  hosts,
  tls,
  port,
  assets,
}: Pick<ApplicationSpec, "environment" | "name" | "hosts" | "tls" | "port" | "assets">): string[] {
  if (assets === undefined || hosts.length === 0) return [];
  const { pathPrefix, query, id } = assets;
  const hash = createHash("sha256")
    .update(JSON.stringify([hosts, tls, port, pathPrefix, query, id]))
    .digest("hex");
  const own = `${environment}-${name}-assets-${hash.slice(0, 10)}`;
  const anyHost = hosts.map((host) => `Host(\`${host}\`)`).join(" || ");
  const router = `traefik.http.routers.${own}`;
  return [
    `${router}.rule=(${anyHost}) && PathPrefix(\`${pathPrefix}\`) && Query(\`${query}\`, \`${id}\`)`,
    `${router}.entrypoints=${tls ? "https" : "http"}`,
    `${router}.service=${own}`,
    `${router}.priority=${assetPriority}`,
    `${router}.middlewares=${own}-retry`,
    ...(tls ? [`${router}.tls=true`, `${router}.tls.certresolver=letsencrypt`] : []),
    `traefik.http.services.${own}.loadbalancer.server.port=${port}`,
    `traefik.http.middlewares.${own}-retry.retry.attempts=${retryAttempts}`,
    `traefik.http.middlewares.${own}-retry.retry.initialinterval=100ms`,
  ];
}
