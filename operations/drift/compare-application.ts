import { replicaHeader } from "../coolify/labels.ts";
import { replicaDifferences, type Comparison, type Mask } from "../coolify/differences.ts";
import type { CoolifyClient } from "../coolify/client.ts";
import { digestOf, type Replica } from "../coolify/plan.ts";
import { readReplicas, type EnvironmentView, type SeenReplica } from "../coolify/probe.ts";
import { publicUrl } from "../coolify/replica-route.ts";
import type { ApplicationSpec } from "../coolify/spec.ts";
import { variableValues } from "../coolify/variables.ts";
import { OperationError } from "../error.ts";
import { askVersion } from "../release/smoke.ts";
import type { Context } from "../verb.ts";
import type { Difference, Unobserved } from "./spec.ts";

/** What Coolify has of an application against its spec, replica by replica, and what each replica answers on its own route. */
export async function compareApplication(
  spec: ApplicationSpec,
  { coolify, environment, mask }: { coolify: CoolifyClient; environment: EnvironmentView; mask: Mask },
  context: Pick<Context, "env" | "signal">,
): Promise<Comparison> {
  const declared = { spec, values: variableValues(spec, context.env) };
  const replicas = await readReplicas(coolify, spec, environment);
  const compared = await Promise.all(
    replicas.map(async (seen): Promise<Comparison> => {
      if (seen.actual === null) return { differences: [absent(seen)], unobserved: [] };
      const settings = replicaDifferences(declared, seen.replica, seen.actual, mask);
      // A replica that Coolify calls stopped answers nothing, and that is told already.
      const stopped = settings.differences.some(({ kind }) => kind === "status");
      const answer = stopped ? nothing : await compareAnswer(spec, seen.replica, context.signal);
      return {
        differences: [...settings.differences, ...answer.differences],
        unobserved: [...settings.unobserved, ...answer.unobserved],
      };
    }),
  );
  return {
    differences: compared.flatMap(({ differences }) => differences),
    unobserved: compared.flatMap(({ unobserved }) => unobserved),
  };
}

const nothing: Comparison = { differences: [], unobserved: [] };

function absent({ replica, ambiguous }: SeenReplica): Difference {
  return {
    part: replica.name,
    kind: "replica",
    name: replica.name,
    declared: "one application",
    found: ambiguous.length === 0 ? null : `${ambiguous.length} applications: ${ambiguous.join(", ")}`,
  };
}

/** How often a replica is asked before its silence counts. */
const tries = 3;

async function compareAnswer(spec: ApplicationSpec, replica: Replica, signal: AbortSignal): Promise<Comparison> {
  const url = publicUrl(spec);
  const part = replica.name;
  const unobserved = (reason: string): Unobserved[] => [{ part, what: "the digest that runs", reason }];
  if (spec.standby === true) return nothing;
  if (url === null) return { differences: [], unobserved: unobserved("it has no public route to ask") };
  if (spec.stamp === null) return { differences: [], unobserved: unobserved("it is part of no release") };
  let seen: Awaited<ReturnType<typeof askVersion>> = "";
  for (let count = 0; count < tries; count += 1) {
    seen = await askVersion(`${url}${spec.versionPath}`, signal, { [replicaHeader]: replica.id });
    if (typeof seen !== "string" && seen.release === spec.stamp.id && seen.digest === digestOf(spec.image))
      return nothing;
  }
  if (typeof seen === "string" && !/^status \d|^an answer/.test(seen)) {
    throw new OperationError("unreachable", {
      where: `${part} at ${url}`,
      what: `gave no answer (${seen}).`,
      next: "Check that its public address is reached from here.",
    });
  }
  return {
    differences: [
      {
        ...{ part, kind: "answer" as const, name: spec.versionPath },
        declared: `release ${spec.stamp.id}, ${digestOf(spec.image)}`,
        found: typeof seen === "string" ? seen : `release ${seen.release}, ${seen.digest}`,
      },
    ],
    unobserved: [],
  };
}
