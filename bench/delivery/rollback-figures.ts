import { EnvironmentContents } from "../../operations/coolify/answers.ts";
import { z } from "zod";
import { CoolifyClient } from "../../operations/coolify/client.ts";
import { silent } from "../../operations/progress.ts";
import { contextOf, type Stage } from "../../sandbox/demo/stage.ts";
import { atMost, reported, type Figure } from "../figure.ts";
import { busySeconds, updatesOf } from "./observe.ts";

const mostSeconds = 120;
const mostSecondsBeyond = 20;
const Named = z.array(z.object({ uuid: z.string(), name: z.string() }));

/** The rollback's time, beside the time in which containers were starting or draining by Coolify's own log. */
export async function rollbackFigures(
  stage: Stage,
  { startedMs, secondsToVerifiedDigest }: { startedMs: number; secondsToVerifiedDigest: number | null },
): Promise<Figure[]> {
  const coolify = new CoolifyClient(contextOf(stage, silent));
  const project = (await coolify.get("/projects", Named)).find(({ name }) => name === "affexai");
  if (project === undefined) throw new Error("Coolify has no project affexai");
  const { applications } = await coolify.get(`/projects/${project.uuid}/sandbox`, EnvironmentContents);
  const updates = (await Promise.all(applications.map(({ uuid }) => updatesOf(coolify, uuid)))).flat();
  const own = updates.filter((update) => update.startedMs !== null && update.startedMs >= startedMs);
  const busy = busySeconds(own);
  const seconds = secondsToVerifiedDigest ?? Number.POSITIVE_INFINITY;
  return [
    reported("rollback: containers that were replaced", own.length, ""),
    reported("rollback: start and drain times of its waves", busy, "s"),
    atMost("rollback: command to verified digest", seconds, "s", mostSeconds),
    atMost("rollback: command to verified digest, beyond start and drain", seconds - busy, "s", mostSecondsBeyond),
  ];
}
