import type { CoolifyClient } from "./client.ts";
import { Deployment, DeployAnswer, DeploymentList, logTail } from "./answers.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";

type Watch = Pick<Context, "progress" | "signal">;

const pollMs = 2000;

/**
 * Waits until no deployment of the application is queued or running. A queued job reads the settings when it *starts*, so settings
 * are changed only while the queue is quiet (379abb2, app/Jobs/ApplicationDeploymentJob.php).
 */
export async function waitForQuietQueue(
  coolify: CoolifyClient,
  uuid: string,
  timeoutMs: number,
  watch: Watch,
): Promise<void> {
  await waitFor<true>(
    {
      what: `a quiet deployment queue of application ${uuid}`,
      timeoutMs,
      intervalMs: pollMs,
      next: "Somebody else deploys this application; wait for that to end or cancel it in Coolify.",
      async look() {
        const { deployments } = await coolify.get(`/deployments/applications/${uuid}?take=20`, DeploymentList);
        const first = deployments.find(isOpen);
        if (first === undefined) return { done: true, value: true };
        return { done: false, seen: `deployment ${first.deployment_uuid} is ${first.status}` };
      },
    },
    watch,
  );
}

/**
 * Deploys the application as configured and returns how that ended. `failed` means that the gate held and the old container was kept;
 * Coolify says so before it has stopped the new one (379abb2, rolling_update in app/Jobs/ApplicationDeploymentJob.php).
 * While another deployment runs Coolify answers 200 with an id that was never stored (coolify-terraform #783): such a phantom is
 * recognised, the other one waited for, and the deployment asked for again.
 */
export async function deploy(
  coolify: CoolifyClient,
  uuid: string,
  timeoutMs: number,
  watch: Watch,
): Promise<Deployment> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { deployments } = await coolify.send(
      { method: "POST", path: "/deploy", body: { uuid, force: true } },
      DeployAnswer,
    );
    const id = deployments[0]?.deployment_uuid;
    const found = id ? await coolify.find(`/deployments/${id}`, Deployment) : null;
    if (found !== null) return isOpen(found) ? ended(coolify, found, timeoutMs, watch) : found;
    watch.progress.note("Coolify answered with a deployment that does not exist; waiting for the one that runs");
    await waitForQuietQueue(coolify, uuid, timeoutMs, watch);
  }
  throw new OperationError("failed", {
    where: `application ${uuid}`,
    what: "three deployments in a row were skipped by Coolify.",
    next: "Look at the application's deployments in Coolify: somebody or something keeps deploying it.",
  });
}

async function ended(
  coolify: CoolifyClient,
  { deployment_uuid: id }: Deployment,
  timeoutMs: number,
  watch: Watch,
): Promise<Deployment> {
  return waitFor<Deployment>(
    {
      what: `the end of deployment ${id}`,
      timeoutMs,
      intervalMs: pollMs,
      next: "Look at the deployment in Coolify; running again waits for it first.",
      async look() {
        const deployment = await coolify.get(`/deployments/${id}`, Deployment);
        return isOpen(deployment)
          ? { done: false, seen: `deployment ${deployment.status}` }
          : { done: true, value: deployment };
      },
    },
    watch,
  );
}

function isOpen({ status }: Deployment): boolean {
  return status === "queued" || status === "in_progress";
}

/** Throws with the log's tail when a deployment has not `finished`. */
export function insistOnSuccess(deployment: Deployment): void {
  if (deployment.status === "finished") return;
  throw new OperationError("failed", {
    where: `deployment ${deployment.deployment_uuid}`,
    what: `ended as ${deployment.status}. Its log ends with:\n${logTail(deployment)}\n`,
    next: "Mend the release and release it again.",
  });
}
