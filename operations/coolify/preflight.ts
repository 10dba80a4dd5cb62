import { z } from "zod";
import { OperationError } from "../error.ts";
import { Application, EnvironmentApplications, Named, Server } from "./answers.ts";
import { problem, type Check, ok } from "./checks/check.ts";
import { checkRegistry } from "./checks/registry.ts";
import { checkServer, type ServerChecks } from "./checks/server.ts";
import { checkAbilities, checkAccess, checkTeam } from "./checks/token.ts";
import type { CoolifyClient } from "./client.ts";
import { describeTaken, takenHosts, takenRemedy } from "./hosts.ts";

/** What is going to be asked of a Coolify. Whatever is left out is not looked at; without a server, all of the team's are. */
export interface Intent {
  readonly team?: string | undefined;
  /** Name or uuid. */
  readonly server?: string | undefined;
  readonly destination?: string | undefined;
  /** The registry that images are pulled from, unless the server is about to be logged in to it. */
  readonly registry?: string | undefined;
  /** Public host names, and whose they are to be. */
  readonly routes?: { readonly hosts: readonly string[]; readonly owner: string } | undefined;
  readonly place?: { readonly project: string; readonly environment: string } | undefined;
}

export interface Preflight {
  readonly checks: readonly Check[];
  /** The server that was asked for, and its destination where one is named. Null when a check says why. */
  readonly target: { readonly serverUuid: string; readonly destinationUuid?: string } | null;
}

/**
 * Looks at everything that has to hold before anything is made, and changes nothing: access, abilities, team, server, proxy,
 * destination, registry, hosts. All problems at once. Throws (unreachable) when nobody answers.
 */
export async function preflight(coolify: CoolifyClient, intent: Intent): Promise<Preflight> {
  const { checks, version } = await checkAccess(coolify);
  if (version === null) return { checks, target: null };
  const servers = await coolify.get("/servers", z.array(Server));
  const names = intent.server === undefined ? servers.map(({ uuid }) => uuid) : [intent.server];
  const looked: ServerChecks[] = [];
  for (const server of names) {
    looked.push(await checkServer(coolify, servers, { server, destination: intent.destination }));
  }
  const sensitive = looked.find((one) => one.sensitive !== null)?.sensitive ?? null;
  checks.push(await checkAbilities(coolify, version, sensitive), await checkTeam(coolify, intent.team));
  if (names.length === 0) {
    checks.push(problem("server", "the team has none", "Add a server in Coolify."));
  }
  checks.push(...looked.flatMap((one) => one.checks));
  if (intent.registry !== undefined) {
    for (const { server } of looked) {
      if (server === null) continue;
      checks.push(await checkRegistry(coolify, version, { serverUuid: server.uuid, host: intent.registry }));
    }
  }
  if (intent.routes !== undefined && intent.routes.hosts.length > 0) {
    checks.push(await checkHosts(coolify, intent.routes, intent.place));
  }
  const [target] = looked;
  if (intent.server === undefined || target === undefined || target.server === null) return { checks, target: null };
  const { destinationUuid } = target;
  const serverUuid = target.server.uuid;
  return { checks, target: destinationUuid === undefined ? { serverUuid } : { serverUuid, destinationUuid } };
}

async function checkHosts(
  coolify: CoolifyClient,
  routes: NonNullable<Intent["routes"]>,
  place: Intent["place"],
): Promise<Check> {
  const what = routes.hosts.length === 1 ? "host" : "hosts";
  const all = await coolify.get("/applications", z.array(Application));
  const taken = takenHosts(all, routes, await applicationsIn(coolify, place));
  if (taken.length === 0)
    return ok(
      what,
      `${routes.hosts.join(", ")}: nobody else in the team is routed by ${routes.hosts.length === 1 ? "it" : "them"}`,
    );
  return problem(what, taken.map(describeTaken).join("; "), takenRemedy);
}

/** What lives in the environment; nothing where it is still to be made. */
async function applicationsIn(coolify: CoolifyClient, place: Intent["place"]): Promise<Application[]> {
  if (place === undefined) return [];
  const projects = await coolify.get("/projects", z.array(Named));
  const applications: Application[] = [];
  for (const { uuid } of projects.filter(({ name }) => name === place.project)) {
    const contents = await coolify.find(`/projects/${uuid}/${place.environment}`, EnvironmentApplications);
    applications.push(...(contents?.applications ?? []));
  }
  return applications;
}

/** Throws when a check found a problem, with all of them and what to do about each. */
export function refuseProblems(checks: readonly Check[]): void {
  const found = checks.filter((check) => check.state === "problem");
  if (found.length === 0) return;
  throw new OperationError("refused", {
    where: "Coolify, before anything was changed",
    what: `${found.length === 1 ? "one problem" : `${found.length} problems`}:\n${found.map(({ what, seen, next }) => `  ${what}: ${seen}. ${next}`).join("\n")}\n`,
    next: "Mend what is listed and run again; `affexai doctor` shows the same.",
  });
}
