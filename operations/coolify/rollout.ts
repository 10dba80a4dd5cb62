import { z } from "zod";
import { OperationError } from "../error.ts";
import { askVersion } from "../release/smoke.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application, EnvironmentContents, EnvironmentVariable, Uuid, settingOf } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { deploy, waitForQuietQueue } from "./deployment.ts";
import { replicaHeader } from "./labels.ts";
import {
  digestOf,
  encodeLabels,
  imageFields,
  imageOf,
  labelsOf,
  ownerMark,
  planReplica,
  revisionOf,
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
  /** The new container took over, so going back needs a deployment. */
  deployed: boolean;
}

/** Finds the replica's application by name, or creates it: without domains, without a first deployment, with our mark. */
export async function findOrCreate({ coolify, spec }: Rollout, replica: Replica): Promise<string> {
  const { projectUuid, environmentName, serverUuid, destinationUuid } = spec.placement;
  const { applications } = await coolify.get(`/projects/${projectUuid}/${environmentName}`, EnvironmentContents);
  const found = applications.filter(({ name }) => name === replica.name);
  if (found.length > 1) {
    throw new OperationError("refused", {
      where: `application ${replica.name}`,
      what: `exists ${found.length} times in ${environmentName}: ${found.map(({ uuid }) => uuid).join(", ")}.`,
      next: "Names are not unique in Coolify; rename or delete the others.",
    });
  }
  if (found[0] !== undefined) return found[0].uuid;
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
        description: ownerMark(spec.owner, "none"),
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

export async function readActual({ coolify }: Rollout, uuid: string): Promise<Actual> {
  const [application, variables] = await Promise.all([
    coolify.get(`/applications/${uuid}`, Application),
    coolify.get(`/applications/${uuid}/envs`, z.array(EnvironmentVariable)),
  ]);
  return { application, variables };
}

/**
 * Brings one replica to the spec: quiet queue, settings and variables, labels read back, a forced deployment behind the health
 * gate, then the replica's own route until it answers with the declared release and digest. Returns null when nothing had to change.
 * `onChange` is called before the first change, so that a failure anywhere after it can be undone.
 */
export async function moveReplica(
  rollout: Rollout,
  replica: Replica,
  context: Context,
  onChange: (moved: Moved) => void,
): Promise<Moved | null> {
  const { coolify, spec, values } = rollout;
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  const uuid = await findOrCreate(rollout, replica);
  await waitForQuietQueue(coolify, uuid, timeoutMs, context);
  const before = await readActual(rollout, uuid);
  const plan = planReplica(spec, replica, values, before);
  const runs = /^running/.test(before.application.status ?? "");
  if (runs && !plan.stale && plan.changed.length === 0 && plan.variables.length + plan.remove.length === 0) {
    await expectReplica(spec, replica, context);
    return null;
  }
  const moved: Moved = { uuid, replica, before, deployed: false };
  onChange(moved);
  await configure(rollout, uuid, plan);
  await deploy(coolify, uuid, timeoutMs, context);
  moved.deployed = true;
  await expectReplica(spec, replica, context);
  await coolify.send(
    {
      method: "PATCH",
      path: `/applications/${uuid}`,
      body: { description: ownerMark(spec.owner, revisionOf(spec, values)), custom_labels: plan.patch.custom_labels },
    },
    z.unknown(),
  );
  return moved;
}

async function configure({ coolify, spec }: Rollout, uuid: string, plan: Plan): Promise<void> {
  if (plan.variables.length > 0) {
    const path = `/applications/${uuid}/envs/bulk`;
    await coolify.send({ method: "PATCH", path, body: { data: plan.variables } }, z.unknown());
  }
  for (const { uuid: row } of plan.remove) {
    await coolify.send({ method: "DELETE", path: `/applications/${uuid}/envs/${row}` }, z.unknown());
  }
  // Until the rollout has been verified the mark names no revision: a crash in between makes the next run deploy again.
  const body = { ...plan.patch, description: ownerMark(spec.owner, "none") };
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
  if (url === null) return;
  let inARow = 0;
  await waitFor<true>(
    {
      what: `${spec.name}, replica ${replica.number}, as ${spec.stamp.id}, ${digestOf(spec.image)}`,
      timeoutMs: 60_000,
      intervalMs: 300,
      next: "Coolify says it runs, but it does not answer as this release: look at the application's log and the proxy's labels.",
      async look() {
        const seen = await askVersion(`${url}${spec.versionPath}`, context.signal, { [replicaHeader]: replica.id });
        const right =
          typeof seen !== "string" && seen.release === spec.stamp.id && seen.digest === digestOf(spec.image);
        inARow = right ? inARow + 1 : 0;
        if (inARow >= 3) return { done: true, value: true };
        return { done: false, seen: typeof seen === "string" ? seen : `release ${seen.release}, ${seen.digest}` };
      },
    },
    context,
  );
}

/** Puts a replica back to what it was. Says in one sentence what it did, for the report. */
export async function moveBack(
  rollout: Rollout,
  { uuid, replica, before, deployed }: Moved,
  context: Context,
): Promise<string> {
  const { coolify, spec } = rollout;
  const { application } = before;
  const image = imageOf(application);
  const owned = labelsOf(application).length > 0;
  if (image === null || !owned) return `${replica.name} had no release before; its settings stay as they are`;
  await waitForQuietQueue(coolify, uuid, spec.rolloutTimeoutSeconds * 1000, context);
  const settings = Object.keys(planReplica(spec, replica, rollout.values, before).patch).flatMap((name) => {
    const value = settingOf(application, name);
    return value === null || value === undefined ? [] : [[name, value] as const];
  });
  const wereThere = before.variables.filter(({ is_preview }) => !is_preview);
  const rows = wereThere.flatMap((row) =>
    row.value == null
      ? []
      : [
          {
            key: row.key,
            value: row.value,
            is_preview: false,
            is_literal: row.is_literal,
            is_multiline: row.is_multiline ?? false,
            is_shown_once: false,
            is_runtime: row.is_runtime,
            is_buildtime: row.is_buildtime,
          },
        ],
  );
  if (rows.length > 0) {
    await coolify.send({ method: "PATCH", path: `/applications/${uuid}/envs/bulk`, body: { data: rows } }, z.unknown());
  }
  const now = await coolify.get(`/applications/${uuid}/envs`, z.array(EnvironmentVariable));
  for (const row of now.filter(({ key }) => !wereThere.some((one) => one.key === key))) {
    await coolify.send({ method: "DELETE", path: `/applications/${uuid}/envs/${row.uuid}` }, z.unknown());
  }
  const body = {
    ...Object.fromEntries(settings),
    custom_labels: encodeLabels(labelsOf(application)),
    description: application.description ?? "",
  };
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
  const hidden = wereThere.length - rows.length;
  const caveat = hidden > 0 ? `; ${hidden} variables could not be read and keep their new values` : "";
  if (!deployed) return `${replica.name} keeps serving ${digestOf(image)}, its settings are back${caveat}`;
  await deploy(coolify, uuid, spec.rolloutTimeoutSeconds * 1000, context);
  return `${replica.name} serves ${digestOf(image)} again${caveat}`;
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
