import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Lease } from "../release/lease.ts";
import type { Context } from "../verb.ts";
import { Application, EnvironmentVariable, Uuid, settingOf, type ListedApplication } from "./answers.ts";
import { refuseForeign } from "./adoption.ts";
import type { CoolifyClient } from "./client.ts";
import { deploy, insistOnSuccess, waitForQuietQueue } from "./deployment.ts";
import {
  encodeLabels,
  imageFields,
  imageOf,
  isRunning,
  labelsOf,
  markOf,
  ownerMark,
  planReplica,
  revisionOf,
  servedDigest,
  type Actual,
  type Plan,
  type Replica,
} from "./plan.ts";
import { expectReplica } from "./replica-route.ts";
import type { Found } from "./replicas.ts";
import type { ApplicationSpec } from "./spec.ts";

/** What one rollout works with. */
export interface Rollout {
  readonly coolify: CoolifyClient;
  readonly spec: ApplicationSpec;
  /** All variables with their values, secret ones included. */
  readonly values: Readonly<Record<string, string>>;
  /** Every application of the environment as it was at the start: priorities of routes are judged by it, for all replicas alike. */
  readonly applications: readonly ListedApplication[];
  /** Null for what is part of no release. */
  readonly lease: Lease | null;
}

/** A replica that was changed, and what it was before. */
export interface Moved {
  readonly uuid: string;
  readonly replica: Replica;
  readonly before: Actual;
  readonly plan: Plan;
  /** The new container may have taken over, so going back needs a deployment. */
  mayServe: boolean;
}

/** What a move tells about itself. */
export interface MoveEvents {
  /** Before the first change, so that a failure anywhere after it can be undone. */
  readonly onChange: (moved: Moved) => void;
  /** Its new container has taken over, and the old one has ended. */
  readonly onDeployed?: (() => void) | undefined;
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

/** A replica in full: with its variables, and with the settings that the environment's list leaves out. */
export async function readActual({ coolify, applications }: Rollout, uuid: string): Promise<Actual> {
  const [application, variables] = await Promise.all([
    coolify.get(`/applications/${uuid}`, Application),
    coolify.get(`/applications/${uuid}/envs`, z.array(EnvironmentVariable)),
  ]);
  return { application, variables, others: applications.filter((one) => one.uuid !== uuid) };
}

/** Whether Coolify has it all, and a container of it runs. */
export function isSettled({ spec, values }: Rollout, replica: Replica, actual: Actual): boolean {
  const plan = planReplica(spec, replica, values, actual);
  const serves = isRunning(actual.application) || spec.standby === true;
  return serves && !plan.stale && plan.changed.length === 0 && plan.variables.length + plan.remove.length === 0;
}

/** Proves a replica that needs no change. A renamed resource takes over at once: the old name's retire must find another owner. */
export async function keepReplica(
  rollout: Rollout,
  replica: Replica,
  application: Application,
  context: Context,
): Promise<void> {
  const { spec } = rollout;
  if (markOf(application)?.owner !== spec.owner) {
    await mark(rollout, application.uuid, encodeLabels(labelsOf(application)));
  }
  await expectReplica(spec, replica, context);
}

/**
 * Brings one replica to the spec and returns its uuid: quiet queue, settings and variables, labels read back, a forced deployment behind
 * the health gate, then the replica's own route until it answers with the declared release and digest. Deploys nothing when nothing
 * differs.
 */
export async function moveReplica(
  rollout: Rollout,
  { replica, row }: Found,
  context: Context,
  { onChange, onDeployed }: MoveEvents,
): Promise<string> {
  const { coolify, spec, values } = rollout;
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  await rollout.lease?.insist();
  const uuid = row?.uuid ?? (await create(rollout, replica));
  await waitForQuietQueue(coolify, uuid, timeoutMs, context);
  const before = await readActual(rollout, uuid);
  if (isSettled(rollout, replica, before)) {
    await keepReplica(rollout, replica, before.application, context);
    return uuid;
  }
  const plan = planReplica(spec, replica, values, before);
  await coolify.version();
  refuseForeign(spec, [before.application]);
  refuseFixedAddress(before);
  const moved: Moved = { uuid, replica, before, plan, mayServe: false };
  onChange(moved);
  await configure(rollout, moved);
  if (spec.standby === true && !isRunning(before.application)) {
    await mark(rollout, uuid, plan.patch.custom_labels);
    return uuid;
  }
  // From here until the deployment's end is known, an answer that got lost may hide that the new container serves.
  moved.mayServe = true;
  const deployment = await deploy(coolify, uuid, timeoutMs, context);
  moved.mayServe = deployment.status !== "failed";
  insistOnSuccess(deployment);
  onDeployed?.();
  await expectReplica(spec, replica, context);
  await mark(rollout, uuid, plan.patch.custom_labels);
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
async function mark({ coolify, spec, values }: Rollout, uuid: string, labels: Plan["patch"][string] | undefined) {
  const description = ownerMark({ owner: spec.owner, revision: revisionOf(spec, values), serves: null });
  const body = { description, custom_labels: labels };
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
}

async function configure({ coolify, spec }: Rollout, { uuid, before, plan }: Moved): Promise<void> {
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
