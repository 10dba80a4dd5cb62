import { z } from "zod";
import { OperationError } from "../error.ts";
import { Server } from "./answers.ts";
import { problem, type Check } from "./checks/check.ts";
import { checkRegistry } from "./checks/registry.ts";
import { checkRouting, type Routing } from "./checks/routing.ts";
import { checkServer, type ServerChecks } from "./checks/server.ts";
import { checkAbilities, checkAccess, checkTeam } from "./checks/token.ts";
import type { CoolifyClient } from "./client.ts";

/** What is going to be asked of a Coolify. Whatever is left out is not looked at; without a server, all of the team's are. */
export interface Intent {
  readonly team?: string | undefined;
  /** Name or uuid. */
  readonly server?: string | undefined;
  readonly destination?: string | undefined;
  /** The registry that images are pulled from, unless the server is about to be logged in to it. */
  readonly registry?: string | undefined;
  readonly routing?: Routing | undefined;
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
  if (intent.routing !== undefined) checks.push(...(await checkRouting(coolify, intent.routing)));
  const [target] = looked;
  if (intent.server === undefined || target === undefined || target.server === null) return { checks, target: null };
  const { destinationUuid } = target;
  const serverUuid = target.server.uuid;
  return { checks, target: destinationUuid === undefined ? { serverUuid } : { serverUuid, destinationUuid } };
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
