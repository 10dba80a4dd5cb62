import { z } from "zod";
import { OperationError } from "../error.ts";
import { redactor } from "../redact.ts";
import { failAttemptOnError } from "../release/attempt.ts";
import { Ledger } from "../release/ledger.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application, EnvironmentContents } from "./answers.ts";
import { CoolifyClient } from "./client.ts";
import { digestOf, markOf, replicasOf } from "./plan.ts";
import { findReplicas, moveReplica, publicUrl, type Moved, type Rollout } from "./rollout.ts";
import { ApplicationResult, ApplicationSpec } from "./spec.ts";
import { variableValues } from "./variables.ts";
import { moveBack } from "./way-back.ts";

/**
 * Brings every replica of an application to one digest, one after another, never below the old count. When one fails, those that
 * have moved go back to what they were, and the error says what serves now.
 */
export const applyApplication: Verb<typeof ApplicationSpec, typeof ApplicationResult> = {
  spec: ApplicationSpec,
  result: ApplicationResult,
  async run(spec, context) {
    const values = variableValues(spec, context.env);
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    const rollout: Rollout = { coolify: new CoolifyClient(context), spec, values };
    const existing = await findReplicas(rollout.coolify, spec);
    const apply = async (attempt: string | null) => ({
      attempt,
      uuids: await moveAll(rollout, existing, context),
      url: publicUrl(spec),
      digest: digestOf(spec.image),
    });
    if (spec.stamp === null) return apply(null);
    const attempt = await ledger.joinAttempt(spec.stamp, `application apply ${spec.name}`);
    return failAttemptOnError(ledger, attempt, () => apply(attempt));
  },
};

async function moveAll(rollout: Rollout, existing: ReadonlyMap<string, string>, context: Context): Promise<string[]> {
  const moved: Moved[] = [];
  const uuids: string[] = [];
  const { spec } = rollout;
  for (const replica of replicasOf(spec)) {
    try {
      await context.progress.step(
        `${spec.name}: replica ${replica.number} of ${spec.replicas} to ${spec.stamp?.id ?? digestOf(spec.image)}`,
        async (progress) => {
          const one = { replica, existing: existing.get(replica.name) };
          uuids.push(await moveReplica(rollout, one, { ...context, progress }, (change) => moved.push(change)));
        },
      );
    } catch (error) {
      if (context.signal.aborted) throw error;
      throw await undo(rollout, moved, error, context);
    }
  }
  return uuids;
}

/** Goes back, newest first, and returns the error to throw: why it failed, and what serves now. */
async function undo(
  rollout: Rollout,
  moved: readonly Moved[],
  error: unknown,
  context: Context,
): Promise<OperationError> {
  const outcomes: string[] = [];
  for (const one of moved.toReversed()) {
    try {
      outcomes.push(
        await context.progress.step(`${one.replica.name}: back to what it was`, (progress) =>
          moveBack(rollout, one, { ...context, progress }),
        ),
      );
    } catch (second) {
      const reason = second instanceof Error ? second.message : String(second);
      outcomes.push(`${one.replica.name} could not be put back: ${reason}`);
    }
  }
  const cause = error instanceof Error ? error.message : String(error);
  // The log's tail is the application's own words, and the message goes into the ledger.
  const redact = redactor(context.env);
  return new OperationError(
    moved.length === 0 && error instanceof OperationError ? error.kind : "failed",
    {
      where: `application ${rollout.spec.name}${rollout.spec.stamp === null ? "" : `, release ${rollout.spec.stamp.id}`}`,
      what: redact(`${cause}\nNow: ${outcomes.join("; ") || "nothing was changed"}.`),
      next: "Mend the release and release it under a new id, or name the last known good one.",
    },
    { cause: error },
  );
}

const RetireResult = z.strictObject({ retired: z.array(z.string()) });

/**
 * Stops what this resource manages and nothing else: a renamed resource's `apply` has put its own mark on the same application,
 * so the old name's `retire` leaves it alone. Volumes, settings and the application's record stay.
 */
export const retireApplication: Verb<typeof ApplicationSpec, typeof RetireResult> = {
  spec: ApplicationSpec,
  result: RetireResult,
  async run(spec, context) {
    const coolify = new CoolifyClient(context);
    const { projectUuid, environmentName } = spec.placement;
    const contents = await coolify.find(`/projects/${projectUuid}/${environmentName}`, EnvironmentContents);
    const names = new Set(replicasOf(spec).map(({ name }) => name));
    const retired: string[] = [];
    for (const { uuid, name } of contents?.applications.filter((one) => names.has(one.name)) ?? []) {
      const application = await coolify.get(`/applications/${uuid}`, Application);
      const owner = markOf(application)?.owner;
      if (owner !== spec.owner) {
        context.progress.note(`${name} belongs to ${owner ?? "nobody here"} and is left alone`);
        continue;
      }
      await coolify.send({ method: "POST", path: `/applications/${uuid}/stop?docker_cleanup=false` }, z.unknown());
      await waitFor<true>(
        {
          what: `application ${name} stopped`,
          timeoutMs: (spec.stopGracePeriodSeconds + 60) * 1000,
          intervalMs: 1500,
          next: "Look at the application in Coolify, then run again.",
          async look() {
            const { status } = await coolify.get(`/applications/${uuid}`, Application);
            return /^exited/.test(status ?? "")
              ? { done: true, value: true }
              : { done: false, seen: `status ${status ?? "unknown"}` };
          },
        },
        context,
      );
      retired.push(name);
    }
    return { retired };
  },
};
