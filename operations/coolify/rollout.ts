import { z } from "zod";
import { OperationError } from "../error.ts";
import { askVersion } from "../release/smoke.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application, EnvironmentContents, EnvironmentVariable, Uuid, settingOf } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { deploy, insistOnSuccess, waitForQuietQueue } from "./deployment.ts";
import { replicaHeader } from "./labels.ts";
import {
  digestOf,
  encodeLabels,
  imageFields,
  imageOf,
  labelsOf,
  markOf,
  ownerMark,
  planReplica,
  replicasOf,
  revisionOf,
  servedDigest,
  type Actual,
  type Plan,
  type Replica,
} from "./plan.ts";
import type { ApplicationSpec } from "./spec.ts";

/** What one rollout works with. */
export interface Rollout {
  readonly coolify: CoolifyClient;
  readonly spec: ApplicationSpec;
  /** All variables with their values, secret ones included. */
  readonly values: Readonly<Record<string, string>>;
}

/** A replica that was changed, and what it was before. */
export interface Moved {
  readonly uuid: string;
  readonly replica: Replica;
  readonly before: Actual;
  /** The new container may have taken over, so going back needs a deployment. */
  mayServe: boolean;
}

/** The uuids of the replicas that exist, by name. Two of a name are refused: which one is meant cannot be known. */
export async function findReplicas(coolify: CoolifyClient, spec: ApplicationSpec): Promise<Map<string, string>> {
  const { projectUuid, environmentName } = spec.placement;
  const { applications } = await coolify.get(`/projects/${projectUuid}/${environmentName}`, EnvironmentContents);
  const found = replicasOf(spec).map(({ name }) => ({ name, own: applications.filter((one) => one.name === name) }));
  const ambiguous = found.filter(({ own }) => own.length > 1);
  if (ambiguous.length > 0) {
    const lines = ambiguous.map(
      ({ name, own }) => `${name} exists ${own.length} times: ${own.map(({ uuid }) => uuid).join(", ")}`,
    );
    throw new OperationError("refused", {
      where: `applications in ${environmentName}`,
      what: `${lines.join("; ")}.`,
      next: "Names are not unique in Coolify; rename or delete the others.",
    });
  }
  return new Map(found.flatMap(({ name, own }) => own.map(({ uuid }) => [name, uuid] as const)));
}

/** Creates the replica's application: without domains, without a first deployment, with our mark. */
async function create({ coolify, spec }: Rollout, replica: Replica): Promise<string> {
  const { projectUuid, environmentName, serverUuid, destinationUuid } = spec.placement;
  await coolify.version();
  const { uuid } = await coolify.send(
    {
      method: "POST",
      path: "/applications/dockerimage",
      body: {
        project_uuid: projectUuid,
        environment_name: environmentName,
        server_uuid: serverUuid,
        ...(destinationUuid === undefined ? {} : { destination_uuid: destinationUuid }),
        name: replica.name,
        description: ownerMark({ owner: spec.owner, revision: null, serves: null }),
        ...imageFields(spec.image),
        ports_exposes: String(spec.port),
        // Without it Coolify gives the application a public host of its own.
        autogenerate_domain: false,
        instant_deploy: false,
      },
    },
    Uuid,
  );
  return uuid;
}

async function readActual({ coolify }: Rollout, uuid: string): Promise<Actual> {
  const [application, variables] = await Promise.all([
    coolify.get(`/applications/${uuid}`, Application),
    coolify.get(`/applications/${uuid}/envs`, z.array(EnvironmentVariable)),
  ]);
  return { application, variables };
}

/**
 * Brings one replica to the spec and returns its uuid: quiet queue, settings and variables, labels read back, a forced deployment behind
 * the health gate, then the replica's own route until it answers with the declared release and digest. Deploys nothing when nothing
 * differs. `onChange` is called before the first change, so that a failure anywhere after it can be undone.
 */
export async function moveReplica(
  rollout: Rollout,
  { replica, existing }: { replica: Replica; existing: string | undefined },
  context: Context,
  onChange: (moved: Moved) => void,
): Promise<string> {
  const { coolify, spec, values } = rollout;
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  const uuid = existing ?? (await create(rollout, replica));
  await waitForQuietQueue(coolify, uuid, timeoutMs, context);
  const before = await readActual(rollout, uuid);
  const plan = planReplica(spec, replica, values, before);
  const runs = /^running/.test(before.application.status ?? "");
  const serves = runs || spec.standby === true;
  if (serves && !plan.stale && plan.changed.length === 0 && plan.variables.length + plan.remove.length === 0) {
    // A renamed resource takes over at once: the old name's retire must find another owner.
    if (markOf(before.application)?.owner !== spec.owner) await mark(rollout, uuid, plan);
    await expectReplica(spec, replica, context);
    return uuid;
  }
  await coolify.version();
  refuseFixedAddress(before);
  const moved: Moved = { uuid, replica, before, mayServe: false };
  onChange(moved);
  await configure(rollout, moved, plan);
  if (spec.standby === true && !runs) {
    await mark(rollout, uuid, plan);
    return uuid;
  }
  // From here until the deployment's end is known, an answer that got lost may hide that the new container serves.
  moved.mayServe = true;
  const deployment = await deploy(coolify, uuid, timeoutMs, context);
  moved.mayServe = deployment.status !== "failed";
  insistOnSuccess(deployment);
  await expectReplica(spec, replica, context);
  await mark(rollout, uuid, plan);
  return uuid;
}

/** Run options are their owner's, and are not corrected; with an address in them Coolify stops the old container first, without a gate. */
function refuseFixedAddress({ application }: Actual): void {
  const options = settingOf(application, "custom_docker_run_options");
  if (typeof options !== "string" || !options.includes("--ip")) return;
  throw new OperationError("refused", {
    where: `application ${application.name}`,
    what: `has the docker options "${options}": with --ip anywhere in them Coolify stops the old container before the new one is ready.`,
    next: "Remove them in Coolify, under the application's advanced settings.",
  });
}

/** Notes in the application itself that this revision serves. Labels go along, as with every change. */
async function mark({ coolify, spec, values }: Rollout, uuid: string, plan: Plan): Promise<void> {
  const description = ownerMark({ owner: spec.owner, revision: revisionOf(spec, values), serves: null });
  const body = { description, custom_labels: plan.patch.custom_labels };
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
}

async function configure({ coolify, spec }: Rollout, { uuid, before }: Moved, plan: Plan): Promise<void> {
  if (plan.variables.length > 0) {
    const path = `/applications/${uuid}/envs/bulk`;
    await coolify.send({ method: "PATCH", path, body: { data: plan.variables } }, z.unknown());
  }
  for (const { uuid: row } of plan.remove) {
    await coolify.send({ method: "DELETE", path: `/applications/${uuid}/envs/${row}` }, z.unknown());
  }
  // Until the rollout has been verified the mark names no revision: a crash in between makes the next run deploy again.
  const description = ownerMark({ owner: spec.owner, revision: null, serves: servedDigest(before.application) });
  const body = { ...plan.patch, description };
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
  const after = await coolify.get(`/applications/${uuid}`, Application);
  if (encodeLabels(labelsOf(after)) !== plan.patch.custom_labels || imageOf(after) !== spec.image) {
    throw new OperationError("failed", {
      where: `application ${after.name}`,
      what: "does not keep the labels and the image that were sent.",
      next: "The token needs read:sensitive to see labels; otherwise somebody edits the application in Coolify at this moment.",
    });
  }
}

/** Waits until this very replica answers three times in a row with the declared release and digest. */
async function expectReplica(spec: ApplicationSpec, replica: Replica, context: Context): Promise<void> {
  const url = publicUrl(spec);
  // What answers for others tells no release of its own; for it and for a worker Coolify's health gate is the proof.
  if (url === null || spec.stamp === null) return;
  const { id: release } = spec.stamp;
  let inARow = 0;
  await waitFor<true>(
    {
      what: `${spec.name}, replica ${replica.number}, as ${release}, ${digestOf(spec.image)}`,
      timeoutMs: answerLimitMs(spec),
      intervalMs: 300,
      next: "Coolify says it runs, but it does not answer as this release: look at the application's log and the proxy's labels.",
      async look() {
        const seen = await askVersion(`${url}${spec.versionPath}`, context.signal, { [replicaHeader]: replica.id });
        const right = typeof seen !== "string" && seen.release === release && seen.digest === digestOf(spec.image);
        inARow = right ? inARow + 1 : 0;
        if (inARow >= 3) return { done: true, value: true };
        return { done: false, seen: typeof seen === "string" ? seen : `release ${seen.release}, ${seen.digest}` };
      },
    },
    context,
  );
}

/** How long a container that Coolify calls healthy may take until its own route answers. */
export function answerLimitMs({ rolloutTimeoutSeconds }: ApplicationSpec): number {
  return Math.min(60_000, rolloutTimeoutSeconds * 1000);
}

/** Where users reach the application; null for one without hosts. */
export function publicUrl({
  hosts: [host],
  tls,
  publicPort,
}: Pick<ApplicationSpec, "hosts" | "tls" | "publicPort">): string | null {
  if (host === undefined) return null;
  return `${tls ? "https" : "http"}://${host}${publicPort === undefined ? "" : `:${publicPort}`}`;
}
