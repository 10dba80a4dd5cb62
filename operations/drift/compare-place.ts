import { z } from "zod";
import { Named, RegistryLogins, Server } from "../coolify/answers.ts";
import { CoolifyError, type CoolifyClient } from "../coolify/client.ts";
import type { Comparison } from "../coolify/differences.ts";
import type { EnvironmentView } from "../coolify/probe.ts";
import type { Placement, ProjectSpec } from "../coolify/spec.ts";
import { atLeast } from "../coolify/version.ts";
import type { Difference, Unobserved } from "./spec.ts";

/** The project and its environment, the server and its proxy, and the server's login to the registry. */
export async function comparePlace(
  spec: z.output<typeof ProjectSpec>,
  placement: Placement,
  { coolify, environment }: { coolify: CoolifyClient; environment: EnvironmentView | null },
): Promise<Comparison> {
  const place = (name: string, declared: string, found: string | null): Difference[] =>
    declared === found ? [] : [{ part: `project ${spec.name}`, kind: "place", name, declared, found }];
  const project = await coolify.find(`/projects/${placement.projectUuid}`, Named);
  const server = await coolify.find(`/servers/${placement.serverUuid}`, Server);
  const known = server !== null && [server.uuid, server.name].includes(spec.server);
  const proxy = (server?.proxy?.type ?? "none").toLowerCase();
  const login = server === null ? { differences: [], unobserved: [] } : await compareLogin(spec, placement, coolify);
  return {
    differences: [
      ...place("project", spec.name, project?.name ?? null),
      ...(project === null ? [] : place("environment", spec.environment, environment?.name ?? null)),
      ...place("server", spec.server, known ? spec.server : (server?.name ?? null)),
      ...(server === null ? [] : place("proxy", "traefik", proxy)),
      ...login.differences,
    ],
    unobserved: login.unobserved,
  };
}

/** `docker login` is proved against the registry by Coolify's own check, which changes nothing; since 4.4. */
async function compareLogin(
  { registry }: z.output<typeof ProjectSpec>,
  { serverUuid }: Placement,
  coolify: CoolifyClient,
): Promise<Comparison> {
  if (registry === undefined) return { differences: [], unobserved: [] };
  const part = `registry ${registry.host}`;
  const unobserved = (reason: string): Comparison => ({
    differences: [],
    unobserved: [{ part, what: "the server's login", reason } satisfies Unobserved],
  });
  const differs = (found: string | null): Comparison => ({
    differences: [{ part, kind: "registry", name: "login", declared: registry.username, found }],
    unobserved: [],
  });
  const version = await coolify.version();
  if (!atLeast(version, [4, 4, 0])) return unobserved(`Coolify ${version.join(".")} has no registry logins`);
  try {
    const { registries } = await coolify.get(`/servers/${serverUuid}/registries`, RegistryLogins);
    const login = registries.find((one) => one.registry === registry.host);
    if (login?.logged_in !== true) return differs(null);
    if (login.username != null && login.username !== registry.username) return differs(login.username);
    const path = `/servers/${serverUuid}/registries/${encodeURIComponent(registry.host)}/check`;
    await coolify.send({ method: "POST", path }, z.unknown());
    return { differences: [], unobserved: [] };
  } catch (error) {
    if (!(error instanceof CoolifyError)) throw error;
    if (error.status === 400) return differs("a login that the registry refuses");
    if (error.status === 403) return unobserved("the token lacks read:sensitive or write");
    throw error;
  }
}
