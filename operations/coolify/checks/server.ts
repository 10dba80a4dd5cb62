import { z } from "zod";
import { Destination, Proxy, type Server } from "../answers.ts";
import type { CoolifyClient } from "../client.ts";
import { ok, problem, unknown, type Check } from "./check.ts";

export interface ServerChecks {
  readonly checks: Check[];
  /** Null when it was not found. */
  readonly server: Server | null;
  /** Whether the token may read what is sensitive; null when no server could tell. */
  readonly sensitive: boolean | null;
  /** The destination that is named, when one is. */
  readonly destinationUuid?: string;
}

export interface WantedServer {
  /** Name or uuid. */
  readonly server: string;
  /** Name, network or uuid of one of its destinations; needed only when it has several. */
  readonly destination?: string | undefined;
}

/** The server: there is exactly one of its name, Coolify reaches it, its proxy is a running Traefik, and it is clear where things go. */
export async function checkServer(
  coolify: CoolifyClient,
  servers: readonly Server[],
  { server: wanted, destination }: WantedServer,
): Promise<ServerChecks> {
  const [found, second] = servers.filter(({ uuid, name }) => uuid === wanted || name === wanted);
  const what = `server ${wanted}`;
  if (found === undefined) {
    const names = servers.map(({ name }) => name).join(", ") || "no servers";
    const next = "Name one of these in the setting `server`, or add the server in Coolify.";
    return { checks: [problem(what, `was not found among ${names}`, next)], server: null, sensitive: null };
  }
  if (second !== undefined) {
    const next = "Give the server's uuid in the setting `server` instead of its name.";
    return { checks: [problem(what, `names ${found.uuid} and ${second.uuid}`, next)], server: null, sensitive: null };
  }
  const proxy = await coolify.get(`/servers/${found.uuid}/proxy`, Proxy);
  const destinations = await coolify.get(`/servers/${found.uuid}/destinations`, z.array(Destination));
  const chosen = destinations.find(({ uuid, name, network }) => [uuid, name, network].includes(destination));
  return {
    checks: [reachable(what, found), checkProxy(what, proxy), checkDestination(what, destinations, destination)],
    server: found,
    sensitive: "configuration" in proxy,
    ...(chosen === undefined ? {} : { destinationUuid: chosen.uuid }),
  };
}

function reachable(what: string, { settings }: Server): Check {
  const next = "Validate the server in Coolify and mend what it says: the SSH key, Docker, or the server itself.";
  if (settings?.is_reachable === false) return problem(what, "is not reachable from Coolify", next);
  if (settings?.is_usable === false)
    return problem(what, "is reachable and not usable (no Docker, or an old one)", next);
  if (settings?.is_reachable !== true || settings.is_usable !== true)
    return unknown(what, "does not say whether it is reachable", next);
  return ok(what, "reachable and usable");
}

function checkProxy(server: string, { proxy_type, status }: z.output<typeof Proxy>): Check {
  const what = `proxy of ${server}`;
  const type = (proxy_type ?? "none").toLowerCase();
  if (type !== "traefik") {
    return problem(
      what,
      `is ${type}`,
      "Switch the server's proxy to Traefik in Coolify: replicas, health checks and draining are done with its labels.",
    );
  }
  if (status !== "running")
    return problem(
      what,
      `is traefik, and ${status ?? "of unknown state"}`,
      "Start the server's proxy in Coolify, and read its log if it does not stay up.",
    );
  return ok(what, "traefik, running");
}

function checkDestination(
  server: string,
  destinations: readonly z.output<typeof Destination>[],
  wanted: string | undefined,
): Check {
  const what = `destination on ${server}`;
  const names = destinations.map(({ name, network }) => (network && network !== name ? `${name} (${network})` : name));
  const found = destinations.filter(
    ({ uuid, name, network }) => wanted === undefined || [uuid, name, network].includes(wanted),
  );
  const [only, second] = found;
  if (only === undefined) {
    return wanted === undefined
      ? problem(what, "there is none", "Add a destination to the server in Coolify.")
      : problem(
          what,
          `${wanted} is not among ${names.join(", ") || "none"}`,
          "Name one of these in the setting `destination`.",
        );
  }
  if (second !== undefined)
    return problem(what, `${names.join(" and ")} are there`, "Name one of them in the setting `destination`.");
  return ok(what, only.network ?? only.name);
}
