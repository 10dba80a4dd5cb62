import { z } from "zod";
import { OperationError } from "../error.ts";
import { failAttemptOnError } from "../release/attempt.ts";
import { Ledger } from "../release/ledger.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application, EnvironmentContents } from "./answers.ts";
import { CoolifyClient } from "./client.ts";
import { digestOf, ownerOf, replicasOf } from "./plan.ts";
import { moveBack, moveReplica, publicUrl, type Moved, type Rollout } from "./rollout.ts";
import { ApplicationResult, ApplicationSpec } from "./spec.ts";

/**
 * Brings every replica of an application to one digest, one after another, never below the old count. When one fails, those that
 * have moved go back to what they were, and the error says what serves now.
 */
export const applyApplication: Verb<typeof ApplicationSpec, typeof ApplicationResult> = {
  spec: ApplicationSpec,
  result: ApplicationResult,
  async run(spec, context) {
    const values = { ...spec.variables, ...secretValues(spec, context.env) };
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    const rollout: Rollout = { coolify: new CoolifyClient(context), spec, values };
    await rollout.coolify.version();
    const attempt = await ledger.joinAttempt(spec.stamp, `application apply ${spec.name}`);
    return failAttemptOnError(ledger, attempt, async () => ({
      attempt,
      uuids: await moveAll(rollout, context),
      url: publicUrl(spec),
      digest: digestOf(spec.image),
    }));
  },
};

async function moveAll(rollout: Rollout, context: Context): Promise<string[]> {
  const moved: Moved[] = [];
  const { spec } = rollout;
  for (const replica of replicasOf(spec)) {
    try {
      await context.progress.step(
        `${spec.name}: replica ${replica.number} of ${spec.replicas} to ${spec.stamp.id}`,
        (progress) => moveReplica(rollout, replica, { ...context, progress }, (one) => moved.push(one)),
      );
    } catch (error) {
      if (context.signal.aborted) throw error;
      throw await undo(rollout, moved, error, context);
    }
  }
  const { applications } = await rollout.coolify.get(
    `/projects/${spec.placement.projectUuid}/${spec.placement.environmentName}`,
    EnvironmentContents,
  );
  const names = new Set(replicasOf(spec).map(({ name }) => name));
  return applications.flatMap(({ uuid, name }) => (names.has(name) ? [uuid] : []));
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
  return new OperationError(
    "failed",
    {
      where: `application ${rollout.spec.name}, release ${rollout.spec.stamp.id}`,
      what: `${cause}\nNow: ${outcomes.join("; ") || "nothing was changed"}.`,
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
      if (ownerOf(application) !== spec.owner) {
        context.progress.note(`${name} belongs to ${ownerOf(application) ?? "nobody here"} and is left alone`);
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

function secretValues(spec: ApplicationSpec, env: Context["env"]): Record<string, string> {
  const missing = spec.secretVariables.filter((name) => env[`VARIABLE_${name}`] === undefined);
  if (missing.length > 0) {
    throw new OperationError("usage", {
      where: `application ${spec.name}`,
      what: `the values of these secret variables were not given: ${missing.join(", ")}.`,
      next: `Set ${missing.map((name) => `VARIABLE_${name}`).join(", ")}.`,
    });
  }
  return Object.fromEntries(spec.secretVariables.map((name) => [name, env[`VARIABLE_${name}`] ?? ""]));
}
