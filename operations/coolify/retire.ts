import { z } from "zod";
import { takeLease } from "../release/lease.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application } from "./answers.ts";
import { CoolifyClient } from "./client.ts";
import { waitForQuietQueue } from "./deployment.ts";
import { encodeLabels, labelsOf, markOf } from "./plan.ts";
import { findReplicas, type Replicas } from "./replicas.ts";
import type { Rollout } from "./rollout.ts";
import { ApplicationSpec } from "./spec.ts";

const RetireResult = z.strictObject({ retired: z.array(z.string()) });

/**
 * Takes what this resource manages out of service, and nothing else: a renamed resource's `apply` has put its own mark on the same
 * application, so the old name's `retire` leaves it alone. Volumes, variables and the application's record stay.
 */
export const retireApplication: Verb<typeof ApplicationSpec, typeof RetireResult> = {
  spec: ApplicationSpec,
  result: RetireResult,
  async run(spec, context) {
    const coolify = new CoolifyClient(context);
    const what = { thing: `application ${spec.name}`, doing: "application retire" };
    const lease = spec.stamp === null ? null : await takeLease(objectStorage(context.env), spec.ledger, what, context);
    try {
      const { wanted, surplus } = await findReplicas(coolify, spec, { deployments: false });
      const retired: string[] = [];
      // The highest first: what is left is always a smaller number of replicas of the same application.
      for (const { row } of [...surplus, ...wanted.toReversed()]) {
        if (row !== null && (await takeDown(coolify, spec, row.uuid, context))) retired.push(row.name);
      }
      return { retired: retired.toReversed() };
    } finally {
      await lease?.release();
    }
  },
};

/** Takes the replicas above the count out of service, the highest first. Those that are out of it already cost no request. */
export async function retireSurplus(
  { coolify, spec, lease }: Rollout,
  surplus: Replicas["surplus"],
  context: Context,
): Promise<void> {
  for (const { replica, row } of surplus) {
    if (markOf(row)?.owner !== spec.owner || (isStopped(row) && isUnrouted(row))) continue;
    await lease?.insist();
    await context.progress.step(`${replica.name}: out of service`, (progress) =>
      takeDown(coolify, spec, row.uuid, { ...context, progress }),
    );
  }
}

/**
 * Takes the routes away, then stops it, one grace period long: the container's own drain has the proxy send requests elsewhere before it
 * ends, and a later start by hand serves nobody. False when the application is somebody else's.
 */
export async function takeDown(
  coolify: CoolifyClient,
  spec: ApplicationSpec,
  uuid: string,
  context: Context,
): Promise<boolean> {
  await waitForQuietQueue(coolify, uuid, spec.rolloutTimeoutSeconds * 1000, context);
  const application = await coolify.get(`/applications/${uuid}`, Application);
  const owner = markOf(application)?.owner;
  if (owner !== spec.owner) {
    context.progress.note(`${application.name} belongs to ${owner ?? "nobody here"} and is left alone`);
    return false;
  }
  if (!isUnrouted(application)) {
    const body = { custom_labels: encodeLabels(unrouted) };
    await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
  }
  if (!isStopped(application)) {
    await coolify.send({ method: "POST", path: `/applications/${uuid}/stop?docker_cleanup=false` }, z.unknown());
  }
  await waitFor<true>(
    {
      what: `application ${application.name} stopped`,
      timeoutMs: (spec.stopGracePeriodSeconds + 60) * 1000,
      intervalMs: 1500,
      next: "Look at the application in Coolify, then run again.",
      async look() {
        const { status } = await coolify.get(`/applications/${uuid}`, Application);
        return isStopped({ status })
          ? { done: true, value: true }
          : { done: false, seen: `status ${status ?? "unknown"}` };
      },
    },
    context,
  );
  return true;
}

const unrouted = ["traefik.enable=false"];

function isUnrouted(application: Application): boolean {
  return labelsOf(application).join("\n") === unrouted.join("\n");
}

function isStopped({ status }: Pick<Application, "status">): boolean {
  return /^exited/.test(status ?? "");
}
