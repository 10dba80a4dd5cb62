import { isIP } from "node:net";
import type { Token } from "./http/request.ts";
import type { Server } from "./records.ts";
import type { Store } from "./store.ts";

/**
 * What Coolify's installer leaves: a team for each token, and for the first team the server `localhost` with the network `coolify`. A
 * second start changes nothing, except the proxy when one is named.
 */
export function seed(
  store: Store,
  options: { tokens: readonly Token[]; address: string; proxy: "traefik" | "caddy" | "none" | undefined },
): void {
  const { state } = store;
  for (const { teamId } of options.tokens) {
    if (state.teams.every(({ id }) => id !== teamId)) {
      state.teams.push({ id: teamId, name: teamId === 0 ? "Root Team" : `Team ${teamId}` });
    }
  }
  const proxyType = (options.proxy ?? "traefik").toUpperCase() as Server["proxyType"];
  const known = state.servers[0];
  if (known !== undefined) {
    if (options.proxy !== undefined) known.proxyType = proxyType;
    return;
  }
  const server: Server = {
    ...store.stamp(),
    teamId: options.tokens[0]?.teamId ?? 0,
    name: "localhost",
    description: "This is the server where Coolify is running on. Don't delete this!",
    ip: isIP(options.address) === 0 ? "127.0.0.1" : options.address,
    user: "root",
    port: 22,
    proxyType,
    wildcardDomain: null,
    concurrent_builds: 2,
    deployment_queue_limit: 25,
    dynamic_timeout: 3600,
  };
  state.servers.push(server);
  state.destinations.push({ ...store.stamp(), serverId: server.id, name: "coolify", network: "coolify" });
}
