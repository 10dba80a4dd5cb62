import { OperationError } from "../error.ts";
import { EnvironmentApplications, OpenDeployments, type ListedApplication } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { numberOf, replicaAt, replicasOf, type Replica } from "./plan.ts";
import type { ApplicationSpec } from "./spec.ts";

/** A replica that is wanted, or was, with its row in the environment's list; null when it is to be made. */
export interface Found {
  readonly replica: Replica;
  readonly row: ListedApplication | null;
  /** A deployment of it is queued or running. */
  readonly busy: boolean;
}

/** All replicas of an application, in two requests however many there are. */
export interface Replicas {
  /** In the order of their numbers, as many as the spec wants. */
  readonly wanted: readonly Found[];
  /** Those numbered above the count, highest first. */
  readonly surplus: readonly (Found & { readonly row: ListedApplication })[];
  /** Every application of the environment. */
  readonly applications: readonly ListedApplication[];
}

/** Looks the replicas up by name. Two of a name are refused: which one is meant cannot be known. */
export async function findReplicas(
  coolify: CoolifyClient,
  spec: ApplicationSpec,
  options: { deployments: boolean } = { deployments: true },
): Promise<Replicas> {
  const { projectUuid, environmentName } = spec.placement;
  const { applications } = await coolify.get(`/projects/${projectUuid}/${environmentName}`, EnvironmentApplications);
  refuseAmbiguous(applications, spec);
  const open = options.deployments ? await coolify.get("/deployments", OpenDeployments) : [];
  const isBusy = ({ id }: ListedApplication) => open.some((one) => one.application_id === String(id));
  const wanted = replicasOf(spec).map((replica) => {
    const row = applications.find(({ name }) => name === replica.name) ?? null;
    return { replica, row, busy: row !== null && isBusy(row) };
  });
  const surplus = applications
    .flatMap((row) => {
      const number = numberOf(spec, row.name);
      return number === null || number <= spec.replicas
        ? []
        : [{ replica: replicaAt(spec, number), row, busy: isBusy(row) }];
    })
    .sort((one, other) => other.replica.number - one.replica.number);
  return { wanted, surplus, applications };
}

function refuseAmbiguous(applications: readonly ListedApplication[], spec: ApplicationSpec): void {
  const own = applications.filter(({ name }) => numberOf(spec, name) !== null);
  const names = [...new Set(own.map(({ name }) => name))];
  const lines = names.flatMap((name) => {
    const uuids = own.filter((one) => one.name === name).map(({ uuid }) => uuid);
    return uuids.length === 1 ? [] : [`${name} exists ${uuids.length} times: ${uuids.join(", ")}`];
  });
  if (lines.length === 0) return;
  throw new OperationError("refused", {
    where: `applications in ${spec.placement.environmentName}`,
    what: `${lines.join("; ")}.`,
    next: "Names are not unique in Coolify; rename or delete the others.",
  });
}
