import { PlanResult, PlanSpec, type Difference } from "../drift/spec.ts";
import type { Context, Verb } from "../verb.ts";
import { adoptionProblems } from "./adoption.ts";
import { CoolifyClient } from "./client.ts";
import { replicaDifferences, type DeclaredApplication } from "./differences.ts";
import { digestOf, markOf, revisionOf } from "./plan.ts";
import { beyondDeclared, readEnvironment, readReplicas, type EnvironmentView, type SeenReplica } from "./probe.ts";
import type { ApplicationSpec } from "./spec.ts";
import { variableValues } from "./variables.ts";

/** What a rollout of these applications would change on Coolify, asked now. Reads only, and one process for all of a stack. */
export const planApplications: Verb<typeof PlanSpec, typeof PlanResult> = {
  spec: PlanSpec,
  result: PlanResult,
  async run({ applications }, context) {
    const coolify = new CoolifyClient(context, { prompt: true });
    const environments = new Map<string, Promise<EnvironmentView | null>>();
    const environmentOf = ({ placement }: ApplicationSpec) => {
      const key = `${placement.projectUuid} ${placement.environmentName}`;
      const asked = environments.get(key) ?? readEnvironment(coolify, placement);
      environments.set(key, asked);
      return asked;
    };
    return {
      applications: await Promise.all(
        applications.map(async ({ spec, unknownVariables }) => {
          const environment = await environmentOf(spec);
          if (environment === null) return { owner: spec.owner, changes: "its place on Coolify does not exist" };
          const seen = await readReplicas(coolify, spec, environment);
          const declared = { spec, values: variableValues(spec, secretsOf(spec, context.env)) };
          const { surplus } = beyondDeclared([spec], environment);
          const own = surplus.filter((one) => markOf(one)?.owner === spec.owner).map(({ name }) => name);
          return { owner: spec.owner, changes: describeChanges(declared, unknownVariables, seen, own) };
        }),
      ),
    };
  },
};

/** VARIABLE_<application>__<name> as VARIABLE_<name>, for one application. */
function secretsOf({ name }: ApplicationSpec, env: Context["env"]): Context["env"] {
  const prefix = `VARIABLE_${name}__`;
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[`VARIABLE_${key.slice(prefix.length)}`, value] as const] : [],
    ),
  );
}

/**
 * The lines that a preview shows for one application, or null when nothing would change. Of variables only names are told. Pure.
 * `surplus`: names of running replicas that the spec has no more.
 */
export function describeChanges(
  declared: DeclaredApplication,
  unknownVariables: readonly string[],
  seen: readonly SeenReplica[],
  surplus: readonly string[],
): string | null {
  const replicas = seen.map((one) => ({ one, lines: replicaLines(declared, unknownVariables, one) }));
  const changed = replicas.filter(({ lines }) => lines.length > 0);
  if (changed.length === 0 && surplus.length === 0) return null;
  const settled =
    unknownVariables.length === 0 &&
    changed.every(
      ({ one: { actual } }) =>
        actual !== null && markOf(actual.application)?.revision === revisionOf(declared.spec, declared.values),
    );
  return [
    ...changed.map(({ one, lines }) => `${one.replica.name}: ${lines.join("; ")}`),
    ...surplus.map((name) => `${name}: retire`),
    // Equal inputs run nothing, so an edit that somebody made after the rollout stays as it is.
    ...(settled && surplus.length === 0
      ? [
          "Edited on Coolify since this was rolled out; unless its inputs change, `affexai drift --repair` puts it back.",
        ]
      : []),
  ].join("\n");
}

function replicaLines(
  { spec, values }: DeclaredApplication,
  unknownVariables: readonly string[],
  { replica, actual, ambiguous }: SeenReplica,
): string[] {
  if (ambiguous.length > 0)
    return [`exists ${ambiguous.length} times, and \`up\` would refuse: ${ambiguous.join(", ")}`];
  if (actual === null) return [`create at ${short(digestOf(spec.image))}`];
  const foreign = adoptionProblems(spec, actual.application);
  if (foreign.length > 0) return [`is there already and \`up\` would refuse to take it over: ${foreign.join(", ")}`];
  const mark = markOf(actual.application);
  const known = { ...actual, variables: actual.variables.filter(({ key }) => !unknownVariables.includes(key)) };
  const { differences } = replicaDifferences({ spec, values }, replica, known, () => "");
  const unsettled = unknownVariables.filter((name) => actual.variables.some(({ key }) => key === name));
  const created = unknownVariables.filter((name) => !unsettled.includes(name));
  return [
    ...(mark === null ? ["adopt"] : []),
    ...(mark?.revision === null ? ["deploy again: the last rollout did not end"] : []),
    ...differences.flatMap(oneLine),
    ...variableLine(differences, created),
    ...(unsettled.length === 0 ? [] : [`known only after the update: ${unsettled.join(" ")}`]),
  ];
}

/** Variables have a line of their own; the mark is no news. */
function oneLine({ kind, name, declared, found }: Difference): string[] {
  if (kind === "image") return [`image ${short(found ?? "none")} -> ${short(declared ?? "none")}`];
  if (kind === "setting") return [`${name} ${found ?? "none"} -> ${declared ?? "none"}`];
  if (kind === "labels") return [`labels: ${found ?? "none"} -> ${declared ?? "none"}`];
  if (kind === "status") return [`${found ?? "unknown"} -> ${declared ?? "unknown"}`];
  return [];
}

function variableLine(differences: readonly Difference[], created: readonly string[]): string[] {
  const variables = differences.filter(({ kind }) => kind === "variable");
  const signed = variables.map(({ name, declared, found }) =>
    found === null ? `+${name}` : declared === null ? `-${name}` : `~${name}`,
  );
  const all = [...signed, ...created.map((name) => `+${name}`)];
  return all.length === 0 ? [] : [`variables ${all.join(" ")}`];
}

/** Digests are long, and the first twelve digits tell them apart. */
function short(text: string): string {
  return text.replaceAll(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1");
}
