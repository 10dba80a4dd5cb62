import { z } from "zod";
import { askVersion } from "../release/smoke.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { EnvironmentVariable, settingOf } from "./answers.ts";
import { deploy, insistOnSuccess, waitForQuietQueue } from "./deployment.ts";
import { replicaHeader, replicaId } from "./labels.ts";
import { digestOf, encodeLabels, imageFields, imageOf, labelsOf, markOf, planReplica, servedDigest } from "./plan.ts";
import { answerLimitMs, publicUrl, type Moved, type Rollout } from "./rollout.ts";
import type { ApplicationSpec } from "./spec.ts";

/**
 * Puts a replica back to what it was: variables, settings, labels, and by a deployment where the new container may serve. Returns one
 * sentence that says what serves now, asked rather than assumed.
 */
export async function moveBack(rollout: Rollout, moved: Moved, context: Context): Promise<string> {
  const { coolify, spec } = rollout;
  const { uuid, replica, before } = moved;
  const mark = markOf(before.application);
  if (mark !== null && mark.revision === null && mark.serves === null) {
    return `${replica.name} had no verified release before; its settings stay as they are`;
  }
  const timeoutMs = spec.rolloutTimeoutSeconds * 1000;
  await waitForQuietQueue(coolify, uuid, timeoutMs, context);
  const hidden = await restoreVariables(rollout, moved);
  const caveats = [
    ...(hidden.length > 0 ? [`${hidden.join(", ")} could not be read and stay as this release set them`] : []),
    ...(mark !== null && mark.revision === null
      ? ["a run that died had changed the settings before; only the image is certain"]
      : []),
  ];
  const body = settingsBefore(rollout, moved);
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
  const because = caveats.length > 0 ? ` (${caveats.join("; ")})` : "";
  const served = servedDigest(before.application);
  if (!moved.mayServe && !(await newOneAnswers(spec, moved, context))) {
    return `${replica.name} keeps serving ${await whatServes(spec, served, context)}, its settings are back${because}`;
  }
  insistOnSuccess(await deploy(coolify, uuid, timeoutMs, context));
  if (served !== null) await expectDigest(spec, moved, served, context);
  return `${replica.name} serves ${await whatServes(spec, served, context)} again${because}`;
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
function settingsBefore({ spec, values }: Rollout, { replica, before }: Moved): Record<string, unknown> {
  const { application } = before;
  const settings = Object.keys(planReplica(spec, replica, values, before).patch).flatMap((name) => {
    const value = settingOf(application, name);
    return value === null || value === undefined ? [] : [[name, value] as const];
  });
  const labels = labelsOf(application);
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

/** Whether the new container answers on its own route all the same: a gate that was cut short leaves it behind, healthy. */
async function newOneAnswers(spec: ApplicationSpec, { replica }: Moved, { signal }: Context): Promise<boolean> {
  const url = publicUrl(spec);
  if (url === null) return false;
  const seen = await askVersion(`${url}${spec.versionPath}`, signal, { [replicaHeader]: replica.id });
  return typeof seen !== "string" && seen.digest === digestOf(spec.image);
}

async function expectDigest(spec: ApplicationSpec, moved: Moved, digest: string, context: Context): Promise<void> {
  const url = publicUrl(spec);
  if (url === null) return;
  const header = { [replicaHeader]: replicaId(moved.replica.number, digest) };
  let inARow = 0;
  await waitFor<true>(
    {
      what: `${moved.replica.name} at ${digest} again`,
      timeoutMs: answerLimitMs(spec),
      intervalMs: 300,
      next: "Look at the application's log in Coolify.",
      async look() {
        const seen = await askVersion(`${url}${spec.versionPath}`, context.signal, header);
        inARow = typeof seen !== "string" && seen.digest === digest ? inARow + 1 : 0;
        if (inARow >= 3) return { done: true, value: true };
        return { done: false, seen: typeof seen === "string" ? seen : `release ${seen.release}, ${seen.digest}` };
      },
    },
    context,
  );
}

/** What users get at this moment, in words; without a public route, what Coolify's record says. */
async function whatServes(spec: ApplicationSpec, recorded: string | null, { signal }: Context): Promise<string> {
  const url = publicUrl(spec);
  if (url === null) return `${recorded ?? "what it did"} (it has no public route to ask)`;
  const seen = await askVersion(`${url}${spec.versionPath}`, signal);
  if (typeof seen !== "string") return `${seen.digest} (release ${seen.release})`;
  return `${recorded ?? "what it did"}, as far as Coolify's record says (${url} gives ${seen})`;
}
