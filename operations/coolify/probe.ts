import { z } from "zod";
import { Application, EnvironmentContents, EnvironmentVariable } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { isOurs } from "./ownership.ts";
import { markOf, numberOf, replicasOf, type Actual, type Replica } from "./plan.ts";
import type { ApplicationSpec, Placement } from "./spec.ts";

const EnvironmentView = EnvironmentContents.extend({ applications: z.array(Application).default([]) });
/** An environment with its applications' own fields: what is there, asked once for all of them. */
export type EnvironmentView = z.infer<typeof EnvironmentView>;

/** Null when the project or the environment does not exist. */
export function readEnvironment(
  coolify: CoolifyClient,
  { projectUuid, environmentName }: Placement,
): Promise<EnvironmentView | null> {
  return coolify.find(`/projects/${projectUuid}/${environmentName}`, EnvironmentView);
}

/** One replica as Coolify has it; null when it has none. */
export interface SeenReplica {
  readonly replica: Replica;
  readonly actual: Actual | null;
  /** All of this name, when there are several: which one is meant cannot be known. */
  readonly ambiguous: readonly string[];
}

/** Two reads for each replica that is there: its settings, which no list has, and its variables. Changes nothing. */
export function readReplicas(
  coolify: CoolifyClient,
  spec: ApplicationSpec,
  environment: EnvironmentView,
): Promise<SeenReplica[]> {
  return Promise.all(
    replicasOf(spec).map(async (replica): Promise<SeenReplica> => {
      const [first, ...twins] = environment.applications.filter(({ name }) => name === replica.name);
      if (first === undefined) return { replica, actual: null, ambiguous: [] };
      if (twins.length > 0) return { replica, actual: null, ambiguous: [first, ...twins].map(({ uuid }) => uuid) };
      const [application, variables] = await Promise.all([
        coolify.get(`/applications/${first.uuid}`, Application),
        coolify.get(`/applications/${first.uuid}/envs`, z.array(EnvironmentVariable)),
      ]);
      const others = environment.applications.filter(({ uuid }) => uuid !== first.uuid);
      return { replica, actual: { application, variables, others }, ambiguous: [] };
    }),
  );
}

/**
 * The applications beyond the declared ones: those that carry our mark or a replica's name and are not stopped are surplus. What
 * was retired is stopped and stays; the rest is somebody else's.
 */
export function beyondDeclared(
  specs: readonly ApplicationSpec[],
  environment: EnvironmentView,
): { surplus: Application[]; unmanaged: Application[] } {
  const declared = new Set(specs.flatMap((spec) => replicasOf(spec).map(({ name }) => name)));
  const others = environment.applications.filter(({ name }) => !declared.has(name));
  const ours = others.filter((one) =>
    specs.some((spec) => numberOf(spec, one.name) !== null || (markOf(one) !== null && isOurs(one, spec.owner))),
  );
  return {
    surplus: ours.filter(({ status }) => !/^exited/.test(status ?? "")),
    unmanaged: others.filter((one) => !ours.includes(one)),
  };
}
