import { z } from "zod";
import { adoptionProblems, adoptionRemedy } from "../adoption.ts";
import { Application, EnvironmentApplications, Named } from "../answers.ts";
import type { CoolifyClient } from "../client.ts";
import { describeTaken, takenHosts, takenRemedy } from "../hosts.ts";
import { ok, problem, type Check } from "./check.ts";

/** The applications that a program is about to route, where, and whose they are to be. */
export interface Routing {
  /** By their names; either may still have to be made. */
  readonly place: { readonly project: string; readonly environment: string };
  readonly owner: string;
  readonly applications: readonly { readonly name: string; readonly hosts: readonly string[] }[];
}

/** Whether the names and hosts are free, or ours already. Other teams' applications cannot be seen. */
export async function checkRouting(coolify: CoolifyClient, routing: Routing): Promise<Check[]> {
  const { owner, applications, place } = routing;
  if (applications.length === 0) return [];
  const environment = await applicationsIn(coolify, place);
  const names = applications.map(({ name }) => name);
  const hosts = applications.flatMap((one) => one.hosts);
  const taken = takenHosts(
    await coolify.get("/applications", z.array(Application)),
    { hosts, owner, names },
    environment,
  );
  const foreign = applications.flatMap(({ name, hosts: own }) =>
    environment
      .filter((one) => one.name === name)
      .map((one) => ({ one, problems: adoptionProblems({ owner, hosts: own }, one) }))
      .filter(({ problems }) => problems.length > 0)
      .map(({ one, problems }) => `${one.name} (${one.uuid}) ${problems.join(", ")}`),
  );
  return [
    foreign.length === 0
      ? ok("names", `${names.join(", ")}: free in ${place.environment}, or ours`)
      : problem("names", foreign.join("; "), adoptionRemedy),
    taken.length === 0
      ? ok("hosts", `${hosts.join(", ")}: no other application of the team is routed by them`)
      : problem("hosts", taken.map(describeTaken).join("; "), takenRemedy),
  ];
}

/** What lives in the environment; nothing where it is still to be made. */
async function applicationsIn(
  coolify: CoolifyClient,
  { project, environment }: Routing["place"],
): Promise<Application[]> {
  const projects = await coolify.get("/projects", z.array(Named));
  const applications: Application[] = [];
  for (const { uuid } of projects.filter(({ name }) => name === project)) {
    const contents = await coolify.find(`/projects/${uuid}/${environment}`, EnvironmentApplications);
    applications.push(...(contents?.applications ?? []));
  }
  return applications;
}
