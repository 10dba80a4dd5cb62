import { z } from "zod";
import type { Context } from "../verb.ts";
import { EnvironmentVariable, settingOf, type ListedApplication } from "./answers.ts";
import { deploy, insistOnSuccess, waitForQuietQueue } from "./deployment.ts";
import { definitionsIn, nextPriority, raised } from "./labels.ts";
import {
  digestOf,
  encodeLabels,
  imageFields,
  imageOf,
  isRunning,
  labelsOf,
  markOf,
  planReplica,
  routingOf,
  servedDigest,
  type Replica,
} from "./plan.ts";
import { askReplica, expectDigest, publicUrl } from "./replica-route.ts";
import { takeDown } from "./retire.ts";
import type { Moved, Rollout } from "./rollout.ts";
import type { ApplicationSpec } from "./spec.ts";

/**
 * Puts a replica back to what it was: variables, settings, labels, and by a deployment where the new container may serve. Returns one
 * sentence that says what serves now, asked rather than assumed.
 */
export async function moveBack(rollout: Rollout, moved: Moved, context: Context): Promise<string> {
  const { coolify, spec } = rollout;
  const { uuid, replica, before } = moved;
  const mark = markOf(before.application);
  const unproven = mark !== null && mark.revision === null && mark.serves === null;
  // One among others serves nobody's need; a single one is left, because nothing is better than it.
  if (replica.number > 1 && (unproven || !isRunning(before.application))) {
    await takeDown(coolify, spec, uuid, context);
    return `${replica.name} did not serve before and is out of service again`;
  }
  if (unproven) return `${replica.name} had no verified release before; its settings stay as they are`;
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  await waitForQuietQueue(coolify, uuid, timeoutMs, context);
  const hidden = await restoreVariables(rollout, moved);
  const caveats = [
    ...(hidden.length > 0 ? [`${hidden.join(", ")} could not be read and stay as this release set them`] : []),
    ...(mark !== null && mark.revision === null
      ? ["a run that died had changed the settings before; only the image is certain"]
      : []),
  ];
  const served = servedDigest(before.application);
  moved.mayServe ||= await newOneAnswers(spec, moved, context);
  const keeps = !moved.mayServe;
  const body = settingsBefore(rollout, moved, keeps ? labelsOf(before.application) : labelsAbove(rollout, moved));
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
  const because = caveats.length > 0 ? ` (${caveats.join("; ")})` : "";
  if (keeps) {
    return `${replica.name} keeps serving ${await whatServes(spec, replica, served, context)}, its settings are back${because}`;
  }
  insistOnSuccess(await deploy(coolify, uuid, timeoutMs, context));
  if (served !== null) await expectDigest(spec, replica, served, context);
  return `${replica.name} serves ${await whatServes(spec, replica, served, context)} again${because}`;
}

/** Whether going back has to put the old definition above the new one: then the replicas that never moved have to follow. */
export function leavesDefinition({ before, plan, mayServe }: Moved): boolean {
  const labels = labelsOf(before.application);
  return mayServe && definitionsIn(labels).length > 0 && !sameDefinition(labels, newLabels(plan));
}

/**
 * Brings a replica that never moved to the definition that those who went back have now. Otherwise its router, of a lower priority, would
 * get no request.
 */
export async function follow(
  rollout: Rollout,
  { replica, row }: { replica: Replica; row: ListedApplication },
  moved: Moved,
  context: Context,
): Promise<string> {
  const { coolify, spec } = rollout;
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  await waitForQuietQueue(coolify, row.uuid, timeoutMs, context);
  const body = { custom_labels: encodeLabels(raised(labelsOf(row), priorityAbove(rollout, moved))) };
  await coolify.send({ method: "PATCH", path: `/applications/${row.uuid}`, body }, z.unknown());
  insistOnSuccess(await deploy(coolify, row.uuid, timeoutMs, context));
  const served = servedDigest(row);
  if (served !== null) await expectDigest(spec, replica, served, context);
  return `${replica.name} serves ${await whatServes(spec, replica, served, context)}`;
}

/** Returns the keys whose old values Coolify does not show, and which therefore cannot be put back. */
async function restoreVariables({ coolify }: Rollout, { uuid, before }: Moved): Promise<string[]> {
  const path = `/applications/${uuid}/envs`;
  const now = await coolify.get(path, z.array(EnvironmentVariable));
  const wanted = before.variables.filter(({ is_preview }) => !is_preview);
  const readable = wanted.filter(({ value }) => value !== undefined);
  const data = readable
    .filter((row) => !now.some((one) => !one.is_preview && one.key === row.key && sameRow(one, row)))
    .map((row) => ({
      key: row.key,
      value: row.value ?? "",
      is_preview: false,
      is_literal: row.is_literal,
      is_multiline: row.is_multiline ?? false,
      is_shown_once: false,
      is_runtime: row.is_runtime,
      is_buildtime: row.is_buildtime,
    }));
  if (data.length > 0) {
    await coolify.send({ method: "PATCH", path: `${path}/bulk`, body: { data } }, z.unknown());
  }
  for (const row of now.filter(({ key }) => !before.variables.some((one) => one.key === key))) {
    await coolify.send({ method: "DELETE", path: `${path}/${row.uuid}` }, z.unknown());
  }
  return wanted.filter(({ value }) => value === undefined).map(({ key }) => key);
}

function sameRow(one: EnvironmentVariable, other: EnvironmentVariable): boolean {
  return one.value === other.value && one.is_literal === other.is_literal && one.is_runtime === other.is_runtime;
}

/** The settings that a rollout changes, as they were. After a run that died they name what never served; then the served image is put there. */
function settingsBefore(
  { spec, values }: Rollout,
  { replica, before }: Moved,
  labels: readonly string[],
): Record<string, unknown> {
  const { application } = before;
  const settings = Object.keys(planReplica(spec, replica, values, before).patch).flatMap((name) => {
    const value = settingOf(application, name);
    return value === null || value === undefined ? [] : [[name, value] as const];
  });
  const served = servedDigest(application);
  const image = imageOf(application);
  const repository = (image ?? spec.image).split("@")[0] ?? "";
  return {
    ...Object.fromEntries(settings),
    ...(served === null || image === null ? {} : imageFields(`${repository}@${served}`)),
    // Coolify refuses empty labels; an application that had none was made by hand and keeps ours, which route to it as well.
    custom_labels: labels.length > 0 ? encodeLabels(labels) : undefined,
    description: application.description ?? "",
  };
}

/** The labels before, above those of the container that serves and is about to drain, where they are another definition. */
function labelsAbove(rollout: Rollout, moved: Moved): string[] {
  const before = labelsOf(moved.before.application);
  return sameDefinition(before, newLabels(moved.plan)) ? before : raised(before, priorityAbove(rollout, moved));
}

function priorityAbove({ spec }: Rollout, { plan }: Moved): number {
  return nextPriority(routingOf(spec), newLabels(plan)) + 1;
}

function newLabels({ patch }: Moved["plan"]): string[] {
  return labelsOf({ uuid: "", name: "", custom_labels: String(patch.custom_labels) });
}

function sameDefinition(one: readonly string[], other: readonly string[]): boolean {
  return definitionsIn(one).join() === definitionsIn(other).join();
}

/** Whether the new container answers on its own route all the same: a gate that was cut short leaves it behind, healthy. */
async function newOneAnswers(spec: ApplicationSpec, { replica }: Moved, context: Context): Promise<boolean> {
  const seen = await askReplica(spec, replica.number, digestOf(spec.image), context);
  return typeof seen !== "string" && seen.digest === digestOf(spec.image);
}

/** What a replica answers at this moment, in words; without a public route, what Coolify's record says. */
export async function whatServes(
  spec: ApplicationSpec,
  replica: Replica,
  recorded: string | null,
  context: Context,
): Promise<string> {
  const before = recorded ?? "what it did";
  if (publicUrl(spec) === null) return `${before} (it has no public route to ask)`;
  if (recorded === null) return before;
  const seen = await askReplica(spec, replica.number, recorded, context);
  if (typeof seen !== "string") return `${seen.digest} (release ${seen.release})`;
  return `${before}, as far as Coolify's record says (its route gives ${seen})`;
}
