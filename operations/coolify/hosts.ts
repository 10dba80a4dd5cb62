import { z } from "zod";
import { OperationError } from "../error.ts";
import { Application, settingOf } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { isOurs } from "./ownership.ts";
import { labelsOf } from "./plan.ts";

/** A host of ours that another application is routed by. */
export interface TakenHost {
  readonly host: string;
  readonly name: string;
  readonly uuid: string;
}

/** The hosts that an application is routed by: its domains in Coolify, and the Host rules of its labels. */
export function hostsOf(application: Application): string[] {
  const domains = textOf(application, "fqdn")
    .split(",")
    .flatMap((domain) => {
      const url = domain.trim();
      return URL.canParse(url) ? [new URL(url).hostname] : [];
    });
  const rules = labelsOf(application).flatMap((label) => {
    const [, rule] = /^traefik\.http\.routers\.[^.]+\.rule=(.+)$/.exec(label) ?? [];
    return [...(rule ?? "").matchAll(/\bHost\(([^)]*)\)/g)].flatMap(([, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    );
  });
  return [...new Set([...domains, ...rules].map((host) => host.toLowerCase()))];
}

/**
 * Which of `hosts` other applications of the team are routed by. Ours are those in `environment` (the applications of our
 * environment) that carry our mark, or have one of our names and are about to be adopted.
 */
export function takenHosts(
  all: readonly Application[],
  { hosts, owner, names = [] }: { hosts: readonly string[]; owner: string; names?: readonly string[] },
  environment: readonly Application[],
): TakenHost[] {
  const own = new Set(
    environment.filter((one) => isOurs(one, owner) || names.includes(one.name)).map(({ uuid }) => uuid),
  );
  return all
    .filter(({ uuid }) => !own.has(uuid))
    .flatMap((application) =>
      hostsOf(application)
        .filter((host) => hosts.includes(host))
        .map((host) => ({ host, name: application.name, uuid: application.uuid })),
    );
}

/**
 * Refuses hosts that another application of the team is routed by: whose router wins would be a matter of chance. One request.
 * Other teams' applications cannot be seen, nor labels without read:sensitive.
 */
export async function refuseTakenHosts(
  coolify: CoolifyClient,
  wanted: { hosts: readonly string[]; owner: string; names: readonly string[] },
  environment: readonly Application[],
): Promise<void> {
  if (wanted.hosts.length === 0) return;
  const taken = takenHosts(await coolify.get("/applications", z.array(Application)), wanted, environment);
  if (taken.length === 0) return;
  throw new OperationError("refused", {
    where: `hosts ${[...new Set(taken.map(({ host }) => host))].join(", ")}`,
    what: `${taken.map(describeTaken).join("; ")}.`,
    next: takenRemedy,
  });
}

export const takenRemedy = "Take the host away from it in Coolify, or declare another one; nothing was changed.";

export function describeTaken({ host, name, uuid }: TakenHost): string {
  return `${host} is routed to the application ${name} (${uuid})`;
}

/** Empty for a field that is not there, or not text. */
export function textOf(application: Application, field: string): string {
  const value = settingOf(application, field);
  return typeof value === "string" ? value : "";
}
